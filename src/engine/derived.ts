/**
 * Indexes beside the log: derived from it, rebuilt when missing, never evidence. Rows are gathered
 * and written without a sync of their own; LevelDB keeps their order, so a crash leaves a prefix,
 * and the mark written with them says up to which entry they are complete.
 */
import type { AbstractLevel } from "abstract-level";

/** A store of text rows in the order of their keys. */
export type RowStore = AbstractLevel<string | Buffer | Uint8Array, string, string>;

/** Of this layout of rows: another has another key, so that rows of an older one are made anew. */
const mark_key = "~through/7";
const rows_gathered_max = 512;
const gather_ms = 100;

export class DerivedRows {
  readonly #store: RowStore;
  readonly #onFault: (error: Error) => void;
  #gathered = new Map<string, string>();
  /** Counts to be added to those of the store. */
  #sums = new Map<string, number[]>();
  readonly #sources: (() => void)[] = [];
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

  /** Adds counts, one by one, to those of a row, which is a JSON list of them. */
  add(key: string, counts: readonly number[]): void {
    const gathered = this.#sums.get(key);
    this.#sums.set(key, gathered === undefined ? [...counts] : sumOf(gathered, counts));
  }

  /** Has `source` put what it holds back before each write. */
  beforeWrite(source: () => void): void {
    this.#sources.push(source);
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
    this.#write(false);
    await this.#written();
  }

  /** The same, and the mark is there too, also where the newest entries have no rows. */
  async settleMark(): Promise<void> {
    this.#write(true);
    await this.#written();
  }

  async #written(): Promise<void> {
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

  #write(also_without_rows = false): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    for (const source of this.#sources) {
      source();
    }
    if (this.#gathered.size === 0 && this.#sums.size === 0 && !also_without_rows) {
      return;
    }
    const rows = [...this.#gathered, [mark_key, String(this.#through)] as const];
    const sums = this.#sums;
    this.#gathered = new Map();
    this.#sums = new Map();
    this.#writing = this.#writing.then(() => this.#append(rows, sums));
  }

  /** After a fault nothing is written: a later mark would vouch for rows that are missing. */
  async #append(
    rows: readonly (readonly [string, string])[],
    sums: ReadonlyMap<string, readonly number[]>,
  ): Promise<void> {
    if (this.#fault !== null) {
      return;
    }
    try {
      const all = [...rows, ...(await this.#summed(sums))];
      await this.#store.batch(all.map(([key, value]) => ({ type: "put", key, value })));
    } catch (error) {
      this.#fault = error as Error;
      this.#onFault(this.#fault);
    }
  }

  /** Writes are one after the other and whole, so that what is read here is what the mark before vouched for. */
  async #summed(sums: ReadonlyMap<string, readonly number[]>): Promise<(readonly [string, string])[]> {
    const keys = [...sums.keys()];
    const stored = await this.#store.getMany(keys);
    return keys.map((key, i) => {
      const counts = sums.get(key) as readonly number[];
      const before = stored[i];
      const sum = before === undefined ? counts : sumOf(JSON.parse(before) as number[], counts);
      return [key, JSON.stringify(sum)];
    });
  }
}

function sumOf(some: readonly number[], more: readonly number[]): number[] {
  return more.map((count, i) => count + (some[i] ?? 0));
}
