import type { Batch, Head, Index, Journal, StoredEntry } from "../../src/vault/journal.js";

/** A journal that remembers the batches that were appended through it. */
export class CountedJournal implements Journal {
  readonly batches: Batch[] = [];
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  open(): Promise<Head> {
    return this.#journal.open();
  }

  append(expected: Head, batch: Batch): Promise<void> {
    this.batches.push(batch);
    return this.#journal.append(expected, batch);
  }

  read(from: Index, limit: number): AsyncIterable<StoredEntry> {
    return this.#journal.read(from, limit);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}
