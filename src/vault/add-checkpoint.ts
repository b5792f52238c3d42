/** The body of add-checkpoint: C2SP tlog-witness, both ways. */
import { limits } from "../limits.js";
import { fromBase64, toBase64 } from "./encoding.js";
import { hash_bytes } from "./merkle.js";

/** A checkpoint, and the proof that it grew out of the one that the witness knows. */
export interface AddCheckpoint {
  /** The size that the proof begins at. */
  readonly old_size: number;
  /** Consistency proof as of RFC 6962, 2.1.2; empty from size 0 and between equal sizes. */
  readonly proof: readonly Uint8Array[];
  /** The note, verbatim. */
  readonly note: string;
}

/** The body of a request. */
export function formatAddCheckpoint({ old_size, proof, note }: AddCheckpoint): string {
  const hashes = proof.map((hash) => `${toBase64(hash)}\n`);
  return `old ${old_size}\n${hashes.join("")}\n${note}`;
}

/** What a body says, or null when it is not one. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | null {
  const text = decode(body);
  const end = text === null ? -1 : text.indexOf("\n\n");
  if (text === null || end < 0) {
    return null;
  }
  const [first = "", ...rows] = text.slice(0, end).split("\n");
  const digits = /^old (0|[1-9][0-9]{0,15})$/.exec(first)?.[1];
  const old_size = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(old_size) || rows.length > limits.proof_hashes) {
    return null;
  }
  const proof = rows.map(fromBase64);
  return proof.every((hash) => hash?.length === hash_bytes)
    ? { old_size, proof: proof as Uint8Array[], note: text.slice(end + 2) }
    : null;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
