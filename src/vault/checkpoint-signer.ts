/** The keys that sign checkpoints: both at every one, and never a step back (vault-format.md, 6). */
import { type KeyObject, sign } from "node:crypto";
import { type Checkpoint, checkpointText, parseCheckpoint } from "./checkpoint.js";
import { sameBytes, toBase64 } from "./encoding.js";
import { sha256 } from "./hash.js";
import { checkpointVkeys, type Keys } from "./keys.js";
import { checkConsistency } from "./merkle.js";
import { node_crypto } from "./node-crypto.js";
import { type NoteKey, noteLine, noteOf, openNote, parseNote, parseNoteKey } from "./note.js";

/** A checkpoint with its note, as both keys of the log signed it. */
export interface SignedNote extends Checkpoint {
  readonly note: string;
}

/** A checkpoint that must not be signed: it would contradict one that was. */
export class CheckpointRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CheckpointRefused";
  }
}

export class CheckpointSigner {
  readonly origin: string;
  readonly #keys: readonly { readonly key: KeyObject; readonly known: NoteKey }[];
  #last: Checkpoint | null;

  /** @param last the newest record of checkpoints.log */
  constructor(origin: string, keys: Keys, last: Checkpoint | null) {
    this.origin = origin;
    const known = noteKeysOf(origin, keys);
    // Ed25519 first: some readers know only that, and some only look at the first line.
    this.#keys = [
      { key: keys.checkpoint_ed25519, known: known[0] as NoteKey },
      { key: keys.checkpoint_p256, known: known[1] as NoteKey },
    ];
    this.#last = last;
  }

  /**
   * Signs the tree of that size and root.
   *
   * @param proof shows that the tree that was signed last is a prefix of it
   * @throws {CheckpointRefused} for a size below the last one's, or a tree that does not continue it
   */
  sign(size: number, root: Uint8Array, proof: readonly Uint8Array[]): SignedNote {
    const last = this.#last;
    if (last !== null && size < last.size) {
      throw new CheckpointRefused(
        `a checkpoint at ${size} was asked for; the last one signed is at ${last.size}`,
      );
    }
    const step = { size1: last?.size ?? 0, root1: last?.root ?? sha256(new Uint8Array(0)) };
    if (!checkConsistency({ ...step, size2: size, root2: root }, proof, sha256)) {
      throw new CheckpointRefused(
        `the tree of ${size} entries with root ${toBase64(root)} does not continue the one of ${step.size1} with root ${toBase64(step.root1)}, which was signed`,
      );
    }
    const checkpoint = { origin: this.origin, size, root };
    const text = checkpointText(checkpoint);
    const lines = this.#keys.map(({ key, known }) => {
      const digest = known.type === 0x02 ? "sha256" : null;
      return noteLine(known, sign(digest, Buffer.from(text), key));
    });
    this.#last = checkpoint;
    return { ...checkpoint, note: noteOf(text, lines) };
  }
}

/** The public halves of the two keys, as notes name them. */
export function noteKeysOf(origin: string, keys: Keys): readonly NoteKey[] {
  return checkpointVkeys(origin, keys).map((vkey) => parseNoteKey(vkey, sha256) as NoteKey);
}

/** Why a kept note is not one of ours. */
export type NotSigned =
  | "it is no note of origin, size and root"
  | "one of its signatures is wrong"
  | "other keys signed it";

/** The checkpoint of a note that both keys of its log signed, or what is wrong with it. */
export function openSigned(note: string, keys: Keys): SignedNote | NotSigned {
  const parsed = parseNote(note);
  const checkpoint = parsed === null ? null : parseCheckpoint(parsed.text);
  if (parsed === null || checkpoint === null) {
    return "it is no note of origin, size and root";
  }
  const opened = openNote(parsed, noteKeysOf(checkpoint.origin, keys), node_crypto);
  if ("code" in opened && opened.code === "note.signature") {
    return "one of its signatures is wrong";
  }
  const signatures = "code" in opened ? [] : opened.signatures;
  return signatures.length === 2 ? { ...checkpoint, note } : "other keys signed it";
}

/** Whether two checkpoints say the same. */
export function sameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return a.origin === b.origin && a.size === b.size && sameBytes(a.root, b.root);
}
