/** A C2SP tlog-proof: one leaf, shown to stand in the tree of a cosigned checkpoint (vault-format.md, 6). */
import { limits } from "../../limits.js";
import { fromBase64 } from "../encoding.js";
import { checkInclusion, hash_bytes, leafHash } from "../merkle.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import { openWitnessed, type SignedCheckpoint } from "./checkpoints.js";
import { type Failure, failure } from "./code.js";
import type { Trust } from "./trust.js";

export const proof_header = "c2sp.org/tlog-proof@v1";

/** What a proof states; nothing of it is believed yet. */
export interface TlogProof {
  /** The leaf in a proof of Killcord's; no signature covers it, so it proves nothing before it is hashed. */
  readonly extra: Uint8Array | null;
  readonly index: number;
  /** From the leaf to the root. */
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint, verbatim. */
  readonly note: string;
}

const digits = /^index (0|[1-9][0-9]{0,19})$/;

/** The parts of a proof, or null: `proof.syntax`. */
export function parseTlogProof(text: string): TlogProof | null {
  // The first blank line ends the proof; the note behind it has another one.
  const end = text.indexOf("\n\n");
  const rows = end < 0 ? [] : text.slice(0, end).split("\n");
  if (rows.shift() !== proof_header) {
    return null;
  }
  const extra = rows[0]?.startsWith("extra ") ? fromBase64((rows.shift() as string).slice(6)) : undefined;
  const index = digits.exec(rows.shift() ?? "")?.[1];
  if (extra === null || index === undefined || rows.length > limits.proof_hashes) {
    return null;
  }
  const hashes = rows.map(fromBase64);
  return hashes.every((hash) => hash?.length === hash_bytes)
    ? {
        extra: extra ?? null,
        index: Number(index),
        hashes: hashes as Uint8Array[],
        note: text.slice(end + 2),
      }
    : null;
}

/** The checkpoint in whose tree the leaf stands, or the first thing wrong with the proof of it. */
export function checkTlogProof(
  leaf: Uint8Array,
  proof: TlogProof,
  trust: Trust,
  crypto: VerifyCrypto,
): SignedCheckpoint | Failure {
  const checkpoint = openWitnessed(proof.note, trust, crypto);
  if ("code" in checkpoint) {
    return checkpoint;
  }
  const { size, root } = checkpoint;
  const { index, hashes } = proof;
  if (index >= size) {
    return failure("proof.index", `the checkpoint covers ${size} entries, ${index} is not one of them`);
  }
  const leaf_hash = leafHash(leaf, crypto.sha256);
  return checkInclusion({ index, size, leaf_hash, root }, hashes, crypto.sha256)
    ? checkpoint
    : failure("proof.hash", "the proof does not lead from this leaf to the checkpoint's root", index);
}
