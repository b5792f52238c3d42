/** Deadlines of escalations: whom nobody answers in time is refused, also after a restart. */
import TinyQueue from "tinyqueue";
import type { Event } from "../core/event.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";

interface Deadline {
  readonly at: number;
  readonly escalation_id: string;
}

/** setTimeout cannot wait longer; then it simply looks again. */
const wait_ms_max = 0x7fffffff;

export class EscalationDeadlines {
  readonly #state: Readonly<State>;
  readonly #clock: Clock;
  readonly #expire: (escalation_id: string) => Promise<boolean>;
  readonly #heap = new TinyQueue<Deadline>([], (a, b) => a.at - b.at);
  #callOff = () => {};
  #stopped = false;

  /**
   * @param expire is told of each pending escalation whose time has come; resolves to false when it was
   *   refused and has to be told again
   */
  constructor(state: Readonly<State>, clock: Clock, expire: (escalation_id: string) => Promise<boolean>) {
    this.#state = state;
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Takes in those that a replay left. */
  start(): void {
    for (const { escalation_id, expires_at } of this.#state.escalations.values()) {
      this.#heap.push({ escalation_id, at: expires_at });
    }
    this.#arm();
  }

  /** Takes in those that have just been opened. */
  onDecided(events: readonly Event[]): void {
    for (const event of events) {
      if (event.event === "escalation_opened") {
        this.#heap.push({ escalation_id: event.escalation_id, at: event.expires_at });
        this.#arm();
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  #arm(): void {
    this.#callOff();
    const next = this.#next();
    if (!this.#stopped && next !== undefined) {
      const wait_ms = Math.min(Math.max(next.at - this.#clock.now(), 0), wait_ms_max);
      this.#callOff = this.#clock.after(wait_ms, () => this.#wake());
    }
  }

  /** The first that is still pending: others leave their deadlines behind. */
  #next(): Deadline | undefined {
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      if (this.#state.escalations.has(next.escalation_id)) {
        return next;
      }
      this.#heap.pop();
    }
    return undefined;
  }

  /** So few may be pending that all of them find room at once. */
  #wake(): void {
    const now = this.#clock.now();
    for (let next = this.#next(); next !== undefined && next.at <= now; next = this.#next()) {
      this.#heap.pop();
      void this.#ask(next.escalation_id);
    }
    this.#arm();
  }

  async #ask(escalation_id: string): Promise<void> {
    if (!(await this.#expire(escalation_id))) {
      this.#heap.push({ escalation_id, at: this.#clock.now() + limits.expiry_retry_ms });
      this.#arm();
    }
  }
}
