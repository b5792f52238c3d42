/**
 * Start steps 3 to 6 of vault-format.md, 7: the store is read, and held against the checkpoints that
 * were signed and the mark of its end. What is accepted here is what was once sealed, all of it.
 */
import { join } from "node:path";
import type { SignedNote } from "./checkpoint-signer.js";
import { sameBytes, toBase64 } from "./encoding.js";
import type { SealedEntry } from "./entry.js";
import { type FileSystem, readIfThere } from "./files.js";
import type { ExpectedName, Genesis } from "./genesis.js";
import { sha256 } from "./hash.js";
import { decodeHeadMark } from "./head-mark.js";
import type { Journal } from "./journal.js";
import type { Keys } from "./keys.js";
import { leafHash } from "./merkle.js";
import { type OnEntry, scan } from "./scan.js";
import { StartError } from "./start-error.js";
import { tile_width } from "./tiles.js";
import { TreeEdge } from "./tree-edge.js";

/** What the store is held against. */
export interface Expected {
  readonly journal: Journal;
  /** Entries that the store has. */
  readonly size: number;
  readonly keys: Keys;
  readonly name: ExpectedName;
  /** The newest record of checkpoints.log; null at the first start, and when a log is adopted. */
  readonly last: SignedNote | null;
  /** Path of the head mark. */
  readonly mark: string;
  readonly files: FileSystem;
  readonly onEntry: OnEntry;
  readonly onWarning: (message: string) => void;
}

export interface Reconciled {
  readonly genesis: Genesis;
  readonly last: SealedEntry;
  /** The tree at the newest checkpoint, and the leaves of its last entry bundle. */
  readonly edge: TreeEdge;
  readonly leaves: readonly Uint8Array[];
}

export const mark_file = "head";

/** @throws {StartError} when the store is not the one that the checkpoints tell of */
export async function reconcile(expected: Expected): Promise<Reconciled> {
  const { journal, size, keys, name, last, onEntry } = expected;
  const trusted = last?.size ?? 0;
  const edge = new TreeEdge(sha256);
  let leaves: Uint8Array[] = [];
  const grow: OnEntry = (entry, content) => {
    if (edge.size < trusted) {
      const leaf = Buffer.from(entry.leaf, "latin1");
      edge.add(leafHash(leaf, sha256));
      leaves.push(leaf);
      if (edge.size % tile_width === 0) {
        leaves = [];
      }
    }
    onEntry(entry, content);
  };
  const read = await scan(journal, size, keys, name, grow, trusted);
  if (last !== null) {
    refuseOther(last, read.genesis);
    refuseShorter(last, size);
    if (!sameBytes(edge.root(), last.root)) {
      // A signature that was damaged below the checkpoint is seen by nothing else: name its entry.
      await scan(journal, size, keys, name, () => {});
      throw forked(last, edge.root());
    }
  }
  await checkMark(expected, read.last);
  return { ...read, edge, leaves };
}

function refuseOther(last: SignedNote, genesis: Genesis): void {
  if (last.origin !== genesis.origin) {
    throw new StartError(
      "start.foreign_log",
      `The newest checkpoint is one of the log ${last.origin}; the store holds ${genesis.origin}. Put store, keys and checkpoints.log of the same log together.`,
    );
  }
}

function refuseShorter(last: SignedNote, size: number): void {
  if (size < last.size) {
    throw new StartError(
      "start.rollback",
      `A checkpoint over ${last.size} entries was signed; the store holds ${size}. It was cut, or an older copy was put back: restore the newest one. The log cannot go on from here, for others may hold what is missing.`,
    );
  }
}

function forked(last: SignedNote, root: Uint8Array): StartError {
  return new StartError(
    "start.fork",
    `The checkpoint over ${last.size} entries has the root ${toBase64(last.root)}; the first ${last.size} entries of the store have ${toBase64(root)}. They are not the entries that were signed: restore the store from a backup, and keep this one to find out who changed it.`,
  );
}

/** @throws {StartError} `start.tail_lost` when entries that were durable are not there */
async function checkMark(expected: Expected, last: SealedEntry): Promise<void> {
  const { journal, size, mark: path, files, onWarning } = expected;
  const bytes = await readIfThere(path, files);
  const mark = bytes === null ? null : decodeHeadMark(bytes);
  if (mark === null) {
    if (bytes !== null) {
      onWarning(`${path} is unreadable: entries lost after the newest checkpoint would not be noticed now`);
    }
    return;
  }
  if (mark.size > size) {
    throw new StartError(
      "start.tail_lost",
      `${path} says that the log had ${mark.size} entries; the store holds ${size}. The end of the store was lost: restore it, or the newest copy of it.`,
    );
  }
  const entry_hash = mark.size === size ? last.entry_hash : await hashAt(journal, mark.size - 1);
  if (entry_hash !== mark.entry_hash) {
    throw new StartError(
      "start.tail_lost",
      `${path} says that entry ${mark.size - 1} has the hash ${mark.entry_hash}; in the store it has ${entry_hash}. The end of the log was written anew: restore the store from a backup.`,
    );
  }
}

async function hashAt(journal: Journal, index: number): Promise<string | null> {
  for await (const { leaf } of journal.read(index, 1)) {
    return (JSON.parse(leaf) as { readonly entry_hash: string }).entry_hash;
  }
  return null;
}

/** The head mark of a directory of checkpoints. */
export function markIn(directory: string): string {
  return join(directory, mark_file);
}
