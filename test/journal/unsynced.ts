import { assertBatch } from "../../src/vault/batch.js";
import {
  type Batch,
  type Head,
  HeadMoved,
  type Index,
  type Journal,
  type StoredEntry,
} from "../../src/vault/journal.js";
import { type Disk, emptyDisk } from "./memory.js";

/**
 * A journal whose writes lie in a page cache until they are synced. Readers see them there, as they
 * would with a real file; a power cut drops them. A test can hold the sync and look at what the
 * program says meanwhile.
 */
export class UnsyncedJournal implements Journal {
  readonly disk: Disk;
  #state: "closed" | "open" | "crashed" = "closed";
  #cache: StoredEntry[] = [];
  #held = false;
  #waiting: (() => void)[] = [];
  #watchers: (() => void)[] = [];

  constructor(disk: Disk = emptyDisk()) {
    this.disk = disk;
  }

  async open(): Promise<Head> {
    if (this.#state === "crashed") {
      throw new Error("this journal crashed; open another one on its disk");
    }
    this.#state = "open";
    return { size: this.#size() };
  }

  async append(expected: Head, batch: Batch): Promise<void> {
    this.#assertOpen();
    if (expected.size !== this.#size()) {
      throw new HeadMoved(expected.size, this.#size());
    }
    assertBatch(expected.size, batch);
    this.#cache.push(...batch);
    await new Promise<void>((resolve) => {
      if (!this.#held) {
        setImmediate(resolve);
        return;
      }
      this.#waiting.push(resolve);
      for (const watcher of this.#watchers.splice(0)) {
        watcher();
      }
    });
    if (this.#state === "crashed") {
      // A process that lost its power hears nothing more, not even of a failure.
      await new Promise(() => {});
    }
    this.disk.entries.push(...this.#cache.splice(0, batch.length));
  }

  async *read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    this.#assertOpen();
    yield* [...this.disk.entries, ...this.#cache].slice(from, from + limit);
  }

  async close(): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closed";
    }
  }

  /** From now on no sync ends before `release`. */
  hold(): void {
    this.#held = true;
  }

  /** Resolves once an append waits for a held sync. */
  async held(): Promise<void> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Lets the held syncs end, and later ones too. */
  release(): void {
    this.#held = false;
    for (const resolve of this.#waiting.splice(0)) {
      resolve();
    }
  }

  /** Cuts the power: what is not synced is gone, and what waits for it waits for ever. */
  crash(): void {
    this.#state = "crashed";
    this.#cache = [];
    this.#waiting = [];
  }

  #size(): number {
    return this.disk.entries.length + this.#cache.length;
  }

  #assertOpen(): void {
    if (this.#state !== "open") {
      throw new Error("the journal is not open");
    }
  }
}
