import type { Time } from "../../src/engine/clock.js";

interface Waiting {
  readonly at: number;
  readonly task: () => void;
}

/** Time that passes only when a test says so; the wall clock can also be set. */
export class ManualTime implements Time {
  wall = Date.UTC(2026, 0, 1);
  #monotonic = 0;
  readonly #waiting = new Set<Waiting>();

  readonly wall_ms = () => this.wall;
  readonly monotonic_ms = () => this.#monotonic;
  readonly after = (wait_ms: number, task: () => void) => {
    // setTimeout takes a longer wait for none at all.
    if (wait_ms > 0x7fffffff) {
      throw new RangeError(`no timer waits ${wait_ms} ms`);
    }
    // No timer of a real process is faster.
    const waiting = { at: this.#monotonic + Math.max(wait_ms, 1), task };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  };

  /** How many tasks wait for their time. */
  get tasks(): number {
    return this.#waiting.size;
  }

  /** Lets time pass; every task runs at its time. */
  pass(duration_ms: number): void {
    const end = this.#monotonic + duration_ms;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#waiting.delete(next);
      this.#set(Math.max(next.at, this.#monotonic));
      next.task();
    }
    this.#set(end);
  }

  /** Lets time pass while the process is busy: tasks that are due run at the next `pass`. */
  stall(duration_ms: number): void {
    this.#set(this.#monotonic + duration_ms);
  }

  /** What outlives a restart: the wall clock goes on, every timer is gone. */
  restart(down_ms = 0): void {
    this.wall += down_ms;
    this.#waiting.clear();
  }

  #set(monotonic: number): void {
    this.wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }

  #next(end: number): Waiting | null {
    let next: Waiting | null = null;
    for (const waiting of this.#waiting) {
      if (waiting.at <= end && (next === null || waiting.at < next.at)) {
        next = waiting;
      }
    }
    return next;
  }
}
