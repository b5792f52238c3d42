import { assertBatch } from "../../src/vault/batch.js";
import {
  type Batch,
  type Head,
  HeadMoved,
  type Index,
  type Journal,
  type StoredEntry,
} from "../../src/vault/journal.js";

/** What outlives a journal in memory: give it to the next one, and that one finds these entries. */
export interface Disk {
  readonly entries: StoredEntry[];
}

export function emptyDisk(): Disk {
  return { entries: [] };
}

/** A journal in memory. An append is durable, that is on the disk, a turn of the event loop later. */
export class MemoryJournal implements Journal {
  readonly disk: Disk;
  #open = false;

  constructor(disk: Disk = emptyDisk()) {
    this.disk = disk;
  }

  async open(): Promise<Head> {
    this.#open = true;
    return { size: this.disk.entries.length };
  }

  async append(expected: Head, batch: Batch): Promise<void> {
    this.#assertOpen();
    if (expected.size !== this.disk.entries.length) {
      throw new HeadMoved(expected.size, this.disk.entries.length);
    }
    assertBatch(expected.size, batch);
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.disk.entries.push(...batch);
  }

  async *read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    this.#assertOpen();
    yield* this.disk.entries.slice(from, from + limit);
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  #assertOpen(): void {
    if (!this.#open) {
      throw new Error("the journal is not open");
    }
  }
}
