/**
 * Shares each turn of the event loop between what agents ask for and everything else: of theirs only so
 * much is begun in one turn, whoever comes first, and the rest waits for the next. A call that does not
 * wait here, such as a kill, needs a few turns of the loop; without this, each of them would last as long
 * as ten thousand agents have something to ask for, or one that asks again as fast as it is refused.
 */
export class Turns {
  readonly #per_turn: number;
  #left: number;
  /** Who waits, oldest first. */
  readonly #waiting = new Set<() => void>();
  #is_due = false;

  /** @param per_turn pieces of work that are begun in one turn of the event loop */
  constructor(per_turn: number) {
    this.#per_turn = per_turn;
    this.#left = per_turn;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Null when a piece of work may begin; else it is to wait until what is returned resolves. */
  take(): Promise<void> | null {
    this.#renewSoon();
    if (this.#left > 0) {
      this.#left -= 1;
      return null;
    }
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #renewSoon(): void {
    if (!this.#is_due) {
      this.#is_due = true;
      setImmediate(() => this.#renew());
    }
  }

  #renew(): void {
    this.#is_due = false;
    this.#left = this.#per_turn;
    for (const begin of this.#waiting) {
      if (this.#left === 0) {
        break;
      }
      this.#left -= 1;
      this.#waiting.delete(begin);
      begin();
    }
    if (this.#left < this.#per_turn) {
      this.#renewSoon();
    }
  }
}
