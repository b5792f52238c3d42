/**
 * Deadlines of sessions. A session is in the heap once, by the earliest time at which it could
 * expire; an action moves its idle deadline without touching the heap, and the session is put back
 * when its turn comes too early. Decisions do not depend on this: a deadline also binds lazily.
 */
import TinyQueue from "tinyqueue";
import { idleDeadline, ttlDeadline } from "../core/budget.js";
import type { Event } from "../core/event.js";
import type { Session, State } from "../core/state.js";
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
  readonly #expire: (session_id: string) => void;
  readonly #heap = new TinyQueue<Deadline>([], (a, b) => a.at - b.at);
  #call_off = () => {};
  #wake_at = Number.POSITIVE_INFINITY;

  /** @param expire is told of each session whose time has come */
  constructor(state: State, clock: Clock, expire: (session_id: string) => void) {
    this.#state = state;
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Takes in the live sessions that a replay left. */
  start(): void {
    for (const session of this.#state.sessions.values()) {
      this.#push(session);
    }
    this.#arm();
  }

  /** Takes in sessions that have just been opened. */
  onDecided(events: readonly Event[]): void {
    for (const event of events) {
      const session =
        event.event === "session_started" ? this.#state.sessions.get(event.session_id) : undefined;
      if (session !== undefined) {
        this.#push(session);
        this.#arm();
      }
    }
  }

  stop(): void {
    this.#call_off();
  }

  #push(session: Session): void {
    const at = nextDeadline(session);
    if (at !== null && session.stop === null) {
      this.#heap.push({ at, session_id: session.session_id });
    }
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (next === undefined || next.at >= this.#wake_at) {
      return;
    }
    this.#call_off();
    this.#wake_at = next.at;
    const wait_ms = Math.min(Math.max(next.at - this.#clock.now(), 0), wait_ms_max);
    this.#call_off = this.#clock.after(wait_ms, () => this.#wake());
  }

  #wake(): void {
    this.#wake_at = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let next = this.#heap.peek(); next !== undefined && next.at <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      const session = this.#state.sessions.get(next.session_id);
      if (session === undefined || session.stop !== null) {
        continue;
      }
      if ((nextDeadline(session) ?? Number.POSITIVE_INFINITY) <= now) {
        this.#expire(session.session_id);
      } else {
        this.#push(session);
      }
    }
    this.#arm();
  }
}

/** The earliest time at which a session expires by itself, as things are. */
function nextDeadline(session: Session): number | null {
  const ttl = ttlDeadline(session);
  const idle = idleDeadline(session);
  return ttl === null ? idle : idle === null ? ttl : Math.min(ttl, idle);
}
