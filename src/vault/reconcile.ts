/**
 * Start steps 3 to 6 of vault-format.md, 7: the store is read, and held against the checkpoints that
 * were signed and the mark of its end. What is accepted here is what was once sealed, all of it.
 */
import { join } from "node:path";
import { BatchError } from "./batch.js";
import type { SignedNote } from "./checkpoint-signer.js";
import { sameBytes, toBase64 } from "./encoding.js";
import { LeafError, parseLeaf, type SealedEntry, sealedOf } from "./entry.js";
import { type FileSystem, readIfThere } from "./files.js";
import type { ExpectedName, Genesis } from "./genesis.js";
import { sha256 } from "./hash.js";
import { decodeHeadMark } from "./head-mark.js";
import type { Journal } from "./journal.js";
import type { Keys } from "./keys.js";
import { leafHash } from "./merkle.js";
import { type Content, type OnEntry, scan } from "./scan.js";
import type { Snapshot } from "./snapshot-file.js";
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
  /** The snapshot that lies beside the log, whatever it is worth; onEntry is told of no entry then. */
  readonly snapshot: Snapshot | null;
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
  /** The snapshot from which on the store was read; null when all of it was. */
  readonly snapshot: Snapshot | null;
}

export const mark_file = "head";

/**
 * Reads the store and holds it against the checkpoints: from a snapshot on, if that is genuine, else
 * all of it.
 *
 * @throws {StartError} when the store is not the one that the checkpoints tell of
 */
export async function reconcile(expected: Expected): Promise<Reconciled> {
  const { last, snapshot, onWarning } = expected;
  if (snapshot !== null && last !== null && snapshot.size <= last.size && last.size <= expected.size) {
    const found = await fromSnapshot(expected, last, snapshot);
    if (found !== null) {
      await checkMark(expected, found.last);
      return found;
    }
    onWarning("the snapshot is not one that the log tells of: all of the log is read instead");
  }
  return fromBeginning(expected);
}

async function fromBeginning(expected: Expected): Promise<Reconciled> {
  const { journal, size, keys, name, last, onEntry } = expected;
  const tree = new Growing(new TreeEdge(sha256), [], last?.size ?? 0);
  const grow: OnEntry = (entry, content) => {
    tree.add(entry);
    onEntry(entry, content);
  };
  const read = await scan(journal, size, keys, name, grow, last?.size);
  if (last !== null) {
    refuseOther(last, read.genesis);
    refuseShorter(last, size);
    if (!sameBytes(tree.edge.root(), last.root)) {
      // A signature that was damaged below the checkpoint is seen by nothing else: name its entry.
      await scan(journal, size, keys, name, () => {});
      throw forked(last, tree.edge.root());
    }
  }
  await checkMark(expected, read.last);
  return { ...read, ...tree.state(), snapshot: null };
}

/**
 * The same from a snapshot on. Null when it is not genuine: the entries that follow it do not name it,
 * or do not lead from its edge to the root that was signed.
 */
async function fromSnapshot(
  expected: Expected,
  last: SignedNote,
  snapshot: Snapshot,
): Promise<Reconciled | null> {
  const { journal, size, keys, name } = expected;
  const edge = TreeEdge.from(snapshot.edge, sha256);
  const first = edge === null ? null : await leavesBefore(journal, snapshot.size, edge);
  if (edge === null || first === null) {
    return null;
  }
  const tree = new Growing(edge, first.leaves, last.size);
  let named = false;
  try {
    const { genesis } = await scan(journal, 1, keys, name, () => {});
    const grow: OnEntry = (entry, content) => {
      tree.add(entry);
      named ||= names(content, snapshot);
    };
    const read = await scan(journal, size, keys, name, grow, last.size, { genesis, last: first.last });
    if (!named || !sameBytes(tree.edge.root(), last.root) || last.origin !== genesis.origin) {
      return null;
    }
    return { ...read, ...tree.state(), snapshot };
  } catch (error) {
    if (error instanceof StartError || error instanceof BatchError || error instanceof LeafError) {
      // Told by the reading from the beginning, which says what is wrong.
      return null;
    }
    throw error;
  }
}

/** The leaves of the entry bundle in which a snapshot ends, held against its edge, and its last entry. */
async function leavesBefore(
  journal: Journal,
  size: number,
  edge: TreeEdge,
): Promise<{ readonly leaves: Uint8Array[]; readonly last: SealedEntry } | null> {
  const hashes = edge.partial().find(({ level }) => level === 0)?.hashes ?? [];
  const from = Math.min(size - hashes.length, size - 1);
  const leaves: Uint8Array[] = [];
  let last: SealedEntry | null = null;
  for await (const stored of journal.read(from, size - from)) {
    last = sealedOf(stored, parseLeaf(stored.leaf));
    leaves.push(Buffer.from(stored.leaf, "latin1"));
  }
  const bundle = hashes.length === 0 ? [] : leaves;
  const fits =
    bundle.length === hashes.length &&
    bundle.every((leaf, i) => sameBytes(leafHash(leaf, sha256), hashes[i] as Uint8Array));
  return fits && last?.sequence_number === size - 1 ? { leaves: bundle, last } : null;
}

/** Whether an entry seals the digest of a snapshot. */
function names(content: Content, { size, digest }: Snapshot): boolean {
  const body = content.body as { readonly size?: unknown; readonly digest?: unknown } | undefined;
  return (
    content.event === "notice" && content.kind === "snapshot" && body?.size === size && body.digest === digest
  );
}

/** A tree that grows up to a checkpoint. */
class Growing {
  readonly edge: TreeEdge;
  readonly #to: number;
  #leaves: Uint8Array[];

  constructor(edge: TreeEdge, leaves: Uint8Array[], to: number) {
    this.edge = edge;
    this.#leaves = leaves;
    this.#to = to;
  }

  add({ leaf: text }: SealedEntry): void {
    if (this.edge.size < this.#to) {
      const leaf = Buffer.from(text, "latin1");
      this.edge.add(leafHash(leaf, sha256));
      this.#leaves.push(leaf);
      if (this.edge.size % tile_width === 0) {
        this.#leaves = [];
      }
    }
  }

  state(): { readonly edge: TreeEdge; readonly leaves: readonly Uint8Array[] } {
    return { edge: this.edge, leaves: this.#leaves };
  }
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
    // Where no checkpoint was signed there was no mark either.
    if (bytes !== null || expected.last !== null) {
      const what = bytes === null ? "gone" : "unreadable";
      onWarning(`${path} is ${what}: entries lost after the newest checkpoint would not be noticed now`);
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
