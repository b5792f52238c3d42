/** Whether a witness cosigns a checkpoint: the checks of C2SP tlog-witness in their order, without I/O. */

import { parseAddCheckpoint } from "../vault/add-checkpoint.js";
import { type Checkpoint, parseCheckpoint } from "../vault/checkpoint.js";
import { sameBytes } from "../vault/encoding.js";
import { checkConsistency } from "../vault/merkle.js";
import { type NoteKey, openNote, parseNote } from "../vault/note.js";
import type { VerifyCrypto } from "../vault/verify-crypto.js";

/** The keys of each log that a witness vouches for, by origin. */
export type KnownLogs = ReadonlyMap<string, readonly NoteKey[]>;

/** An answer that is not a cosignature. */
export interface Refusal {
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly body: string;
  /** `text/x.tlog.size` when the body is the size that the witness knows. */
  readonly type: "text/plain; charset=utf-8" | "text/x.tlog.size";
}

/** A checkpoint that the witness may cosign once it is on disk. */
export interface Accepted {
  readonly status: 200;
  readonly checkpoint: Checkpoint;
  /** What a cosignature covers. */
  readonly text: string;
}

/** The log that a request is about, or null when that cannot be read: requests of one log wait for each other. */
export function originOf(body: Uint8Array): string | null {
  const request = parseAddCheckpoint(body);
  const note = request === null ? null : parseNote(request.note);
  return note === null ? null : (parseCheckpoint(note.text)?.origin ?? null);
}

/**
 * @param body of the request
 * @param latestOf the last checkpoint of a log that this witness cosigned, or null
 */
export function judgeCheckpoint(
  body: Uint8Array,
  logs: KnownLogs,
  latestOf: (origin: string) => Checkpoint | null,
  crypto: VerifyCrypto,
): Accepted | Refusal {
  const request = parseAddCheckpoint(body);
  const note = request === null ? null : parseNote(request.note);
  // Stricter than C2SP: a checkpoint of Killcord has no extension lines, so none is vouched for.
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  if (request === null || note === null || checkpoint === null) {
    return refuse(400, "the body is no old size, proof and checkpoint");
  }
  const keys = logs.get(checkpoint.origin);
  if (keys === undefined) {
    return refuse(404, "this witness does not know the log");
  }
  if ("code" in openNote(note, keys, crypto)) {
    return refuse(403, "no known key of the log signed the checkpoint, or the line of one is wrong");
  }
  if (request.old_size > checkpoint.size) {
    return refuse(400, "the old size is above the checkpoint's");
  }
  const empty_root = crypto.sha256(new Uint8Array(0));
  const latest = latestOf(checkpoint.origin) ?? { size: 0, root: empty_root };
  const forked = latest.size === checkpoint.size && !sameBytes(latest.root, checkpoint.root);
  if (request.old_size !== latest.size || forked) {
    return { status: 409, body: `${latest.size}\n`, type: "text/x.tlog.size" };
  }
  const claim = {
    size1: latest.size,
    size2: checkpoint.size,
    root1: latest.root,
    root2: checkpoint.root,
  };
  return checkConsistency(claim, request.proof, crypto.sha256)
    ? { status: 200, checkpoint, text: note.text }
    : refuse(422, "the proof does not lead from the old size to the checkpoint");
}

function refuse(status: Refusal["status"], why: string): Refusal {
  return { status, body: `${why}\n`, type: "text/plain; charset=utf-8" };
}
