/**
 * Deadlines of stops: a client has so long to say that it has stopped. All have the same time, so the
 * state's list of stops that are open, oldest first, is the queue already, also after a restart.
 */
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";

export class HaltDeadlines {
  readonly #state: Readonly<State>;
  readonly #clock: Clock;
  readonly #confirm_ms: number;
  readonly #unconfirm: (session_id: string) => Promise<boolean>;
  /** Sessions that were asked for and have not been answered, or were refused not long ago. */
  readonly #asked = new Set<string>();
  /** Of the timer, if there is one. */
  #callOff: (() => void) | null = null;
  #stopped = false;

  /**
   * @param confirm_ms from a stop to its deadline
   * @param unconfirm is told of each session whose stop is past its deadline; resolves to false when it
   *   was refused and has to be told again
   */
  constructor(
    state: Readonly<State>,
    clock: Clock,
    confirm_ms: number,
    unconfirm: (session_id: string) => Promise<boolean>,
  ) {
    this.#state = state;
    this.#clock = clock;
    this.#confirm_ms = confirm_ms;
    this.#unconfirm = unconfirm;
  }

  /** Looks at the stops that are open. Cheap where a timer runs: a newer stop has a later deadline. */
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

  /** A few at a time: however many stops pass their deadline at once, a kill need not wait behind them. */
  #wake(): void {
    this.#callOff = null;
    const now = this.#clock.now();
    for (
      let next = this.#next();
      next !== null && next.deadline_at <= now && this.#asked.size < limits.expiries_at_once;
      next = this.#next()
    ) {
      this.#asked.add(next.session_id);
      void this.#ask(next.session_id);
    }
    this.arm();
  }

  /** The oldest open stop that was not asked for. */
  #next(): { readonly session_id: string; readonly deadline_at: number } | null {
    for (const [session_id, at] of this.#state.unsettled) {
      if (!this.#asked.has(session_id)) {
        return { session_id, deadline_at: at + this.#confirm_ms };
      }
    }
    return null;
  }

  async #ask(session_id: string): Promise<void> {
    const taken = await this.#unconfirm(session_id);
    const forget = () => {
      this.#asked.delete(session_id);
      this.arm();
    };
    if (taken) {
      forget();
    } else if (!this.#stopped) {
      this.#clock.after(limits.expiry_retry_ms, forget);
    }
  }
}
