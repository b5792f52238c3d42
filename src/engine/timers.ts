/**
 * Deadlines of sessions. A session is in the heap once, by the earliest time at which it could
 * expire; an action moves its idle deadline without touching the heap, and the session is put back
 * when its turn comes too early. Decisions do not depend on this: a deadline also binds lazily.
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
  readonly #expire: (session_id: string) => Promise<boolean>;
  #heap = new TinyQueue<Deadline>([], earlier);
  #call_off = () => {};
  #wake_at = Number.POSITIVE_INFINITY;
  /** Sessions that were asked for and whose answer has not come. */
  #expiring = 0;
  #stopped = false;

  /**
   * @param expire is told of each session whose time has come; resolves to false when it was refused
   *   and has to be told again
   */
  constructor(state: State, clock: Clock, expire: (session_id: string) => Promise<boolean>) {
    this.#state = state;
    this.#clock = clock;
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
        this.#push(session);
        this.#arm();
      }
    }
    // Sessions that stopped leave their deadlines behind: at times only the live ones are kept.
    if (this.#heap.length > 2 * this.#state.live_sessions + limits.expired_deadlines) {
      this.#fill();
    }
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
    const at = nextDeadline(session);
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
      if ((nextDeadline(session) ?? Number.POSITIVE_INFINITY) <= now) {
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
    if (!taken) {
      this.#heap.push({ at: this.#clock.now() + limits.expiry_retry_ms, session_id });
    }
    this.#arm();
  }
}

function earlier(a: Deadline, b: Deadline): number {
  return a.at - b.at;
}

/** The earliest time at which a session expires by itself, as things are. */
function nextDeadline(session: Session): number | null {
  const ttl = ttlDeadline(session);
  const idle = idleDeadline(session);
  return ttl === null ? idle : idle === null ? ttl : Math.min(ttl, idle);
}
