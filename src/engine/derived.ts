/**
 * Indexes beside the log: derived from it, rebuilt when missing, never evidence. Rows are gathered
 * and written without a sync of their own; LevelDB keeps their order, so a crash leaves a prefix,
 * and the mark written with them says up to which entry they are complete.
 */
import type { AbstractLevel } from "abstract-level";

/** A store of text rows in the order of their keys. */
export type RowStore = AbstractLevel<string | Buffer | Uint8Array, string, string>;

/** Of this layout of rows: another has another key, so that rows of an older one are made anew. */
const mark_key = "~through/2";
const rows_gathered_max = 512;
const gather_ms = 100;

export class DerivedRows {
  readonly #store: RowStore;
  readonly #onFault: (error: Error) => void;
  #gathered = new Map<string, string>();
  #writing: Promise<void> = Promise.resolve();
  #through = 0;
  #timer: NodeJS.Timeout | null = null;
  #fault: Error | null = null;

  /** @param onFault is told once, when a write failed: nothing is read or written any more */
  constructor(store: RowStore, onFault: (error: Error) => void) {
    this.#store = store;
    this.#onFault = onFault;
  }

  /** Number of entries whose rows are there. */
  async open(): Promise<number> {
    const mark = await this.#store.get(mark_key);
    if (mark === undefined) {
      await this.clear();
    } else {
      this.#through = Number(mark);
    }
    return this.#through;
  }

  /** Forgets every row: the log does not have what they tell. */
  async clear(): Promise<void> {
    await this.#store.clear();
    this.#through = 0;
  }

  put(key: string, value: string): void {
    this.#gathered.set(key, value);
  }

  /** Says that the rows of all entries below `through` have been put. */
  advance(through: number): void {
    this.#through = through;
    if (this.#gathered.size >= rows_gathered_max) {
      this.#write();
    } else if (this.#timer === null && this.#gathered.size > 0) {
      this.#timer = setTimeout(() => this.#write(), gather_ms);
      this.#timer.unref();
    }
  }

  /**
   * Everything that has been put is there for readers.
   *
   * @throws the fault of a write that failed, now or before
   */
  async settle(): Promise<void> {
    this.#write();
    await this.#writing;
    if (this.#fault !== null) {
      throw this.#fault;
    }
  }

  async get(key: string): Promise<string | null> {
    const gathered = this.#gathered.get(key);
    if (gathered !== undefined) {
      return gathered;
    }
    await this.#writing;
    if (this.#fault !== null) {
      throw this.#fault;
    }
    return (await this.#store.get(key)) ?? null;
  }

  /** Rows with `from` <= key < `to`, newest key first. */
  async *descending(from: string, to: string): AsyncGenerator<readonly [string, string], void, undefined> {
    await this.settle();
    yield* this.#store.iterator({ gte: from, lt: to, reverse: true });
  }

  /** Rows with `from` <= key < `to`, the lowest keys first, at most `limit`. */
  async ascending(from: string, to: string, limit: number): Promise<readonly (readonly [string, string])[]> {
    await this.settle();
    return await this.#store.iterator({ gte: from, lt: to, limit }).all();
  }

  #write(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    if (this.#gathered.size === 0) {
      return;
    }
    const rows = [...this.#gathered, [mark_key, String(this.#through)] as const];
    this.#gathered = new Map();
    this.#writing = this.#writing.then(() => this.#append(rows));
  }

  /** After a fault nothing is written: a later mark would vouch for rows that are missing. */
  async #append(rows: readonly (readonly [string, string])[]): Promise<void> {
    if (this.#fault !== null) {
      return;
    }
    try {
      await this.#store.batch(rows.map(([key, value]) => ({ type: "put", key, value })));
    } catch (error) {
      this.#fault = error as Error;
      this.#onFault(this.#fault);
    }
  }
}
