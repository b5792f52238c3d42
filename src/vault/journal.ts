/**
 * The port to whatever keeps the log durable. LevelDB today (level.ts); every driver passes
 * test/journal/suite.ts.
 */

/** Index of an entry in the log, 0 and up. */
export type Index = number;

/** One entry as it is stored: the canonical texts, never serialised again. */
export interface StoredEntry {
  readonly sequence_number: Index;
  /** Canonical envelope (vault-format.md, 4). */
  readonly leaf: string;
  /** Canonical content. */
  readonly content: string;
  /** Canonical details, or null when there are none or they were erased. */
  readonly details: string | null;
}

/** Where the log ends: the number of entries, which is the index of the next one. */
export interface Head {
  readonly size: number;
}

/** Entries with consecutive indexes, written at once. */
export type Batch = readonly StoredEntry[];

/** The journal's end is not where the caller thought: somebody else wrote. */
export class HeadMoved extends Error {
  constructor(expected: number, found: number) {
    super(`the journal has ${found} entries, ${expected} were expected: another process writes to it`);
    this.name = "HeadMoved";
  }
}

export interface Journal {
  /** Opens the store and tells where the log ends. */
  open(): Promise<Head>;
  /**
   * Adds a batch; durable when it resolves.
   *
   * @throws {HeadMoved} when the log does not end at `expected`
   */
  append(expected: Head, batch: Batch): Promise<void>;
  /** Reads entries in order, beginning at `from`, at most `limit`. */
  read(from: Index, limit: number): AsyncIterable<StoredEntry>;
  /**
   * Moves what was appended out of a write-ahead file, whose records a damaged one takes along unseen;
   * absent where there is no such file.
   */
  settle?(): Promise<void>;
  close(): Promise<void>;
}

/** A journal whose store may be repaired while nobody else uses it. */
export interface MendableJournal extends Journal {
  /** Puts another leaf in the place of one that was damaged; durable when it resolves. */
  replaceLeaf(index: Index, leaf: string): Promise<void>;
}
