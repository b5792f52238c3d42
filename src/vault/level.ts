/** The journal in LevelDB (vault-format.md, 7): one put a batch, with `sync: true`. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { limits } from "../limits.js";
import { assertBatch, decodeBatch, encodeBatch } from "./batch.js";
import {
  type Batch,
  type Head,
  HeadMoved,
  type Index,
  type MendableJournal,
  type StoredEntry,
} from "./journal.js";
import { StartError } from "./start-error.js";

const entries_name = "entries";

function entriesOf(level: Level) {
  return level.sublevel<Buffer, Buffer>(entries_name, { keyEncoding: "buffer", valueEncoding: "buffer" });
}

function derivedOf(level: Level, name: string) {
  return level.sublevel<string, string>(name, { keyEncoding: "utf8", valueEncoding: "utf8" });
}

/** A part of the database that holds nothing but what can be made again from the entries. */
export type Derived = ReturnType<typeof derivedOf>;

const texts_name = "texts";

function textsOf(level: Level) {
  return level.sublevel<string, Buffer>(texts_name, { keyEncoding: "utf8", valueEncoding: "buffer" });
}

/** Texts of actions that wait for a person: encrypted, neither evidence nor derived from it. */
export interface TextRows {
  readonly rows: ReturnType<typeof textsOf>;
  /** Writes over what was deleted: until then its bytes lie in the files. */
  compact(): Promise<void>;
}

/** A LevelDB directory: the log, and beside it what is derived from it. */
export interface LevelStore {
  readonly journal: MendableJournal;
  /** An index by its name; usable once the journal is open, and empty when it must be rebuilt. */
  derived(name: string): Derived;
  /** Usable once the journal is open. */
  texts(): TextRows;
  close(): Promise<void>;
}

/** Names a LevelDB directory; `journal.open()` opens it and makes it when it is missing. */
export function openLevel(directory: string): LevelStore {
  const journal = new LevelJournal(directory);
  return {
    journal,
    derived: (name) => journal.derived(name),
    texts: () => journal.texts(),
    close: () => journal.close(),
  };
}

/** The LevelDB directory of a data directory. */
export function openStoreIn(data: string): LevelStore {
  return openLevel(join(data, "store"));
}

class LevelJournal implements MendableJournal {
  readonly #directory: string;
  #database: { readonly level: Level; readonly entries: ReturnType<typeof entriesOf> } | null = null;
  #size = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(): Promise<Head> {
    // Not before: a database that is merely constructed opens itself, and takes the lock.
    const level = await openDatabase(this.#directory);
    this.#database = { level, entries: entriesOf(level) };
    const last = await this.#batchAtOrBefore(limits.sequence_max);
    this.#size = last === null ? 0 : last.first + last.entries.length;
    return { size: this.#size };
  }

  async append(expected: Head, batch: Batch): Promise<void> {
    if (expected.size !== this.#size) {
      throw new HeadMoved(expected.size, this.#size);
    }
    assertBatch(expected.size, batch);
    await this.#put(expected.size, batch);
    this.#size = expected.size + batch.length;
  }

  async replaceLeaf(index: Index, leaf: string): Promise<void> {
    const batch = await this.#batchAtOrBefore(index);
    if (batch === null) {
      throw new RangeError(`the journal has no entry ${index}`);
    }
    const entries = batch.entries.map((entry) =>
      entry.sequence_number === index ? { ...entry, leaf } : entry,
    );
    await this.#put(batch.first, entries);
  }

  async #put(first: Index, batch: Batch): Promise<void> {
    const { level, entries } = this.#opened();
    // Through the root database: a sublevel's own put is not typed to pass `sync` on.
    await level.batch<Buffer, Buffer>(
      [{ type: "put", sublevel: entries, key: keyOf(first), value: encodeBatch(batch) }],
      { sync: true },
    );
  }

  async settle(): Promise<void> {
    // A range behind all keys: what is in memory is written to a table, and nothing else is to be compacted.
    await compactRange(this.#opened().level, "~", "~");
  }

  async *read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    let left = limit;
    if (left <= 0) {
      return;
    }
    for await (const entry of this.#from(from)) {
      yield entry;
      left--;
      if (left === 0) {
        return;
      }
    }
  }

  async *#from(from: Index): AsyncIterable<StoredEntry> {
    // `from` may lie inside a batch that begins before it.
    const start = await this.#batchAtOrBefore(from);
    if (start !== null) {
      yield* start.entries.filter((entry) => entry.sequence_number >= from);
    }
    const rest = start === null ? { gte: keyOf(from) } : { gt: keyOf(start.first) };
    for await (const [key, value] of this.#opened().entries.iterator(rest)) {
      yield* decodeBatch(indexOf(key), value);
    }
  }

  async #batchAtOrBefore(index: Index) {
    const range = { reverse: true, limit: 1, lte: keyOf(index) };
    for await (const [key, value] of this.#opened().entries.iterator(range)) {
      const first = indexOf(key);
      return { first, entries: decodeBatch(first, value) };
    }
    return null;
  }

  derived(name: string): Derived {
    if (name === entries_name || name === texts_name) {
      throw new RangeError(`the ${name} are not derived from anything`);
    }
    return derivedOf(this.#opened().level, name);
  }

  texts(): TextRows {
    const { level } = this.#opened();
    const rows = textsOf(level);
    return { rows, compact: () => compactTexts(level, rows) };
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = null;
    await database?.level.close();
  }

  #opened() {
    if (this.#database === null) {
      throw new Error("the journal is not open");
    }
    return this.#database;
  }
}

/** On Node a Level is classic-level, of which Level's types leave this out. */
function compactRange(level: Level, start: string, end: string): Promise<void> {
  const classic = level as unknown as { compactRange(start: string, end: string): Promise<void> };
  return classic.compactRange(start, end);
}

/**
 * LevelDB drops what was deleted when it merges a table into the one below, and a range that lies in one
 * level alone has nothing to be merged with. So the first round brings what is in memory down, and the
 * second a table that spans the range and is merged into all that lie deeper.
 */
async function compactTexts(level: Level, rows: ReturnType<typeof textsOf>): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await rows.batch([
      { type: "put", key: "!", value: Buffer.alloc(0) },
      { type: "put", key: "~", value: Buffer.alloc(0) },
    ]);
    await compactRange(level, `!${texts_name}!`, `!${texts_name}!~~`);
  }
  await rows.batch([
    { type: "del", key: "!" },
    { type: "del", key: "~" },
  ]);
}

function keyOf(index: Index): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(index));
  return key;
}

function indexOf(key: Buffer): Index {
  return Number(key.readBigUInt64BE());
}

async function makePrivate(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") {
      throw refusal(directory, error as Error);
    }
  }
}

async function openDatabase(directory: string): Promise<Level> {
  // LevelDB would make it readable by everybody, and a data directory that was there before may be too.
  await makePrivate(directory);
  const level = new Level(directory, { createIfMissing: true, writeBufferSize: limits.write_buffer_bytes });
  try {
    await level.open();
    return level;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw refusal(directory, cause as Error & { readonly code?: unknown });
  }
}

function refusal(directory: string, cause: Error & { readonly code?: unknown }): StartError {
  switch (cause.code) {
    case "LEVEL_LOCKED":
      return new StartError(
        "start.locked",
        `Another Killcord uses ${directory}. Stop it first, or give this one a data directory of its own.`,
        cause,
      );
    case "LEVEL_CORRUPTION":
      return new StartError(
        "start.damaged",
        `LevelDB can't read ${directory}: ${cause.message}. Keep it as it is and restore the newest backup.`,
        cause,
      );
    default:
      return new StartError(
        "start.directory",
        `${directory} can't be opened: ${cause.message}. It must be a directory that this user can write.`,
        cause,
      );
  }
}
