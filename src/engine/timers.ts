/**
 * Deadlines of sessions. A session is in the heap once, by the earliest time at which it could
 * expire; an action moves its idle deadline, and a sign of life its lease, without touching the heap,
 * and the session is put back when its turn comes too early. Decisions do not depend on this: a
 * deadline also binds lazily.
 */
import TinyQueue from "tinyqueue";
import { idleDeadline, ttlDeadline } from "../core/budget.js";
import type { Event } from "../core/event.js";
import type { Session, State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";

interface Deadline {
  readonly at: number;
  readonly session_id: string;
}

/** setTimeout cannot wait longer; then it simply looks again. */
const wait_ms_max = 0x7fffffff;

export class Timers {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #leaseDeadline: (session: Session) => number | null;
  readonly #expire: (session_id: string) => Promise<boolean>;
  #heap = new TinyQueue<Deadline>([], earlier);
  #call_off = () => {};
  #wake_at = Number.POSITIVE_INFINITY;
  /** Sessions that were asked for and whose answer has not come. */
  #expiring = 0;
  #stopped = false;

  /**
   * @param leaseDeadline tells when the lease of a session is lost, or null
   * @param expire is told of each session whose time has come; resolves to false when it was refused
   *   and has to be told again
   */
  constructor(
    state: State,
    clock: Clock,
    leaseDeadline: (session: Session) => number | null,
    expire: (session_id: string) => Promise<boolean>,
  ) {
    this.#state = state;
    this.#clock = clock;
    this.#leaseDeadline = leaseDeadline;
    this.#expire = expire;
  }

  /** How many deadlines are kept. */
  get size(): number {
    return this.#heap.length;
  }

  /** Takes in the live sessions that a replay left. */
  start(): void {
    this.#fill();
    this.#arm();
  }

  /** Takes in sessions that have just been opened, or go on. */
  onDecided(events: readonly Event[]): void {
    for (const event of events) {
      // While it was held it had no idle deadline, so that it may have fallen out.
      const session =
        event.event === "session_started" || event.event === "session_resumed"
          ? this.#state.sessions.get(event.session_id)
          : undefined;
      if (session !== undefined) {
        this.add(session);
      }
    }
    // Sessions that stopped leave their deadlines behind: at times only the live ones are kept.
    if (this.#heap.length > 2 * this.#state.live_sessions + limits.expired_deadlines) {
      this.#fill();
    }
  }

  /** Takes in a session that has a deadline again. */
  add(session: Session): void {
    this.#push(session);
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#call_off();
  }

  #fill(): void {
    this.#heap = new TinyQueue([], earlier);
    for (const session of this.#state.sessions.values()) {
      this.#push(session);
    }
  }

  #push(session: Session): void {
    const at = this.#nextDeadline(session);
    if (at !== null && session.stop === null) {
      this.#heap.push({ at, session_id: session.session_id });
    }
  }

  #arm(): void {
    const next = this.#heap.peek();
    const full = this.#expiring >= limits.expiries_at_once;
    if (this.#stopped || full || next === undefined || next.at >= this.#wake_at) {
      return;
    }
    this.#call_off();
    this.#wake_at = next.at;
    const wait_ms = Math.min(Math.max(next.at - this.#clock.now(), 0), wait_ms_max);
    this.#call_off = this.#clock.after(wait_ms, () => this.#wake());
  }

  /** A few at a time: however many sessions end at once, a kill need not wait behind them all. */
  #wake(): void {
    this.#wake_at = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let next = this.#heap.peek(); next !== undefined && next.at <= now; next = this.#heap.peek()) {
      if (this.#expiring >= limits.expiries_at_once) {
        break;
      }
      this.#heap.pop();
      const session = this.#state.sessions.get(next.session_id);
      if (session === undefined || session.stop !== null) {
        continue;
      }
      if ((this.#nextDeadline(session) ?? Number.POSITIVE_INFINITY) <= now) {
        void this.#ask(session.session_id);
      } else {
        this.#push(session);
      }
    }
    this.#arm();
  }

  async #ask(session_id: string): Promise<void> {
    this.#expiring += 1;
    const taken = await this.#expire(session_id);
    this.#expiring -= 1;
    const session = this.#state.sessions.get(session_id);
    if (!taken) {
      this.#heap.push({ at: this.#clock.now() + limits.expiry_retry_ms, session_id });
    } else if (session !== undefined) {
      // A lost lease need not stop it.
      this.#push(session);
    }
    this.#arm();
  }

  /** The earliest time at which a session stops by itself, as things are. */
  #nextDeadline(session: Session): number | null {
    const deadlines = [ttlDeadline(session), idleDeadline(session), this.#leaseDeadline(session)];
    const next = Math.min(...deadlines.map((at) => at ?? Number.POSITIVE_INFINITY));
    return next === Number.POSITIVE_INFINITY ? null : next;
  }
}

function earlier(a: Deadline, b: Deadline): number {
  return a.at - b.at;
}
