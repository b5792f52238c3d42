/**
 * Deadlines of what waits for an answer: a stop for its confirmation, a reservation for its settlement.
 * All of a kind have the same time, so the state's list of what is open, oldest first, is the queue
 * already, also after a restart.
 */
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";

/** Something open: its id, and since when. */
export type Open = readonly [id: string, at: number];

export class Deadlines {
  readonly #open: () => Iterable<Open>;
  readonly #clock: Clock;
  readonly #wait_ms: number;
  readonly #close: (id: string) => Promise<boolean>;
  /** What was asked for and have not been answered, or were refused not long ago. */
  readonly #asked = new Set<string>();
  /** Of the timer, if there is one. */
  #callOff: (() => void) | null = null;
  #stopped = false;

  /**
   * @param open what waits for an answer, oldest first
   * @param wait_ms from then to its deadline
   * @param close is told of each that is past its deadline; resolves to false when it was refused and has
   *   to be told again
   */
  constructor(
    open: () => Iterable<Open>,
    clock: Clock,
    wait_ms: number,
    close: (id: string) => Promise<boolean>,
  ) {
    this.#open = open;
    this.#clock = clock;
    this.#wait_ms = wait_ms;
    this.#close = close;
  }

  /** Looks at what is open. Cheap where a timer runs: what is newer has a later deadline. */
  arm(): void {
    if (this.#stopped || this.#callOff !== null || this.#asked.size >= limits.expiries_at_once) {
      return;
    }
    const next = this.#next();
    if (next !== null) {
      const wait_ms = Math.max(next.deadline_at - this.#clock.now(), 0);
      this.#callOff = this.#clock.after(wait_ms, () => this.#wake());
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
  }

  /** A few at a time: however many pass their deadline at once, a kill need not wait behind them. */
  #wake(): void {
    this.#callOff = null;
    const now = this.#clock.now();
    for (
      let next = this.#next();
      next !== null && next.deadline_at <= now && this.#asked.size < limits.expiries_at_once;
      next = this.#next()
    ) {
      this.#asked.add(next.id);
      void this.#ask(next.id);
    }
    this.arm();
  }

  /** The oldest that was not asked for. */
  #next(): { readonly id: string; readonly deadline_at: number } | null {
    for (const [id, at] of this.#open()) {
      if (!this.#asked.has(id)) {
        return { id, deadline_at: at + this.#wait_ms };
      }
    }
    return null;
  }

  async #ask(id: string): Promise<void> {
    const taken = await this.#close(id);
    const forget = () => {
      this.#asked.delete(id);
      this.arm();
    };
    if (taken) {
      forget();
    } else if (!this.#stopped) {
      this.#clock.after(limits.expiry_retry_ms, forget);
    }
  }
}
