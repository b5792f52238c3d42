/** Stage D: the notes, by the keys that trust.json pins (vault-format.md, 6 and 9). */
import { type Checkpoint, parseCheckpoint } from "../checkpoint.js";
import { bytesOf, sameBytes } from "../encoding.js";
import { type NoteSignature, openNote, parseNote } from "../note.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import { type Failure, failure } from "./code.js";
import type { Header } from "./header.js";
import type { Trust } from "./trust.js";

/** A checkpoint that both keys of the log signed. */
export interface SignedCheckpoint extends Checkpoint {
  /** Cosignatures of pinned witnesses, at most one a name, in the order of trust.json. */
  readonly witnesses: readonly NoteSignature[];
}

export interface Checkpoints {
  readonly newest: SignedCheckpoint;
  readonly older: readonly SignedCheckpoint[];
}

/** The files of `log/` by their paths in it; null when there is no such folder. */
export type LogFiles = ReadonlyMap<string, Uint8Array> | null;

/** The bundle's checkpoints. */
export function readCheckpoints(
  header: Header,
  log: LogFiles,
  trust: Trust,
  crypto: VerifyCrypto,
): Checkpoints | Failure {
  const newest = openWitnessed(header.checkpoint, trust, crypto);
  if ("code" in newest) {
    return newest;
  }
  const older: SignedCheckpoint[] = [];
  for (const note of header.older_checkpoints) {
    const checkpoint = open(note, trust, crypto);
    if ("code" in checkpoint) {
      return { ...checkpoint, why: `an older checkpoint: ${checkpoint.why}` };
    }
    older.push(checkpoint);
  }
  return comparePublished(header.checkpoint, log) ?? { newest, older };
}

function comparePublished(note: string, log: LogFiles): Failure | null {
  if (log === null) {
    return null;
  }
  const published = log.get("checkpoint");
  if (published === undefined) {
    return failure("log.missing", "log/ has no checkpoint");
  }
  return sameBytes(published, bytesOf(note))
    ? null
    : failure("checkpoint.differs", "log/checkpoint is not the checkpoint of the bundle");
}

/** A checkpoint that the quorum of the pinned witnesses cosigned, or the first thing wrong with it. */
export function openWitnessed(note: string, trust: Trust, crypto: VerifyCrypto): SignedCheckpoint | Failure {
  const checkpoint = open(note, trust, crypto);
  if ("code" in checkpoint || checkpoint.witnesses.length >= trust.witness_quorum) {
    return checkpoint;
  }
  const found = `${checkpoint.witnesses.length} of the ${trust.witness_quorum} witnesses that trust demands`;
  return failure("checkpoint.witness", `the checkpoint is cosigned by ${found}`);
}

function open(note: string, trust: Trust, crypto: VerifyCrypto): SignedCheckpoint | Failure {
  const parsed = parseNote(note);
  const checkpoint = parsed === null ? null : parseCheckpoint(parsed.text);
  if (parsed === null || checkpoint === null) {
    return failure("checkpoint.syntax", "the checkpoint is no note of origin, size and root");
  }
  const opened = openNote(parsed, [...trust.checkpoint_keys, ...trust.witnesses], crypto);
  if ("code" in opened && opened.code === "note.signature") {
    return failure("checkpoint.signature", "a pinned key's line of the checkpoint is not its signature");
  }
  if (checkpoint.origin !== trust.origin) {
    return failure("trust.origin", "the checkpoint is that of another log");
  }
  const signatures = "code" in opened ? [] : opened.signatures;
  const missing = ([0x01, 0x02] as const).find((type) => !signatures.some(({ key }) => key.type === type));
  if (missing !== undefined) {
    return failure(
      "checkpoint.missing_signature",
      `no pinned key of type 0x0${missing} signed the checkpoint`,
    );
  }
  return { ...checkpoint, witnesses: onePerName(signatures.filter(({ key }) => key.type === 0x04)) };
}

function onePerName(signatures: readonly NoteSignature[]): NoteSignature[] {
  const names = new Map<string, NoteSignature>();
  for (const signature of signatures) {
    if (!names.has(signature.key.name)) {
      names.set(signature.key.name, signature);
    }
  }
  return [...names.values()];
}
