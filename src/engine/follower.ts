/**
 * Turns sealed events into watch streams. Level-triggered: a watcher holds no queue, it reads the
 * newest sealed state when its reader comes back; so a slow reader costs nothing and a terminal
 * state, which never changes again, is always seen.
 */
import type { Event } from "../core/event.js";
import type { Session } from "../core/state.js";
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";
import type { Projection } from "./projection.js";

/** One message of a watch; `revision` is the index up to which everything has been told. */
export type Update =
  | { readonly type: "state"; readonly session: Session; readonly revision: number }
  | { readonly type: "bookmark"; readonly draining: boolean; readonly revision: number };

interface Watcher {
  /** Something was sealed since the state was last read. */
  dirty: boolean;
  wake: () => void;
}

export class Follower {
  readonly #projection: Projection;
  readonly #clock: Clock;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #ended: Error | "draining" | null = null;

  constructor(projection: Projection, clock: Clock) {
    this.#projection = projection;
    this.#clock = clock;
  }

  /** How many watches there are. */
  get watchers(): number {
    let count = 0;
    for (const watchers of this.#watchers.values()) {
      count += watchers.size;
    }
    return count;
  }

  /** Wakes the watchers of every session that a sealed batch touched. */
  onSealed(events: readonly Event[]): void {
    if (this.#watchers.size === 0) {
      return;
    }
    // A key that is gone may be that of any watcher.
    if (events.some(({ event }) => event === "api_key_revoked")) {
      this.#rouseAll();
    }
    for (const event of events) {
      for (const session_id of touchedBy(this.#projection, event)) {
        for (const watcher of this.#watchers.get(session_id) ?? []) {
          rouse(watcher);
        }
      }
    }
  }

  /** Ends every watch: with a bookmark when the server drains, or with an error. */
  end(why: Error | "draining"): void {
    this.#ended ??= why;
    this.#rouseAll();
  }

  #rouseAll(): void {
    for (const watchers of this.#watchers.values()) {
      for (const watcher of watchers) {
        rouse(watcher);
      }
    }
  }

  /**
   * Follows one session that exists: its state now, then each newer one in the order of the log,
   * until it is terminal.
   *
   * @param refuse throws when the reader may not go on; asked before each message, and whenever a key was revoked
   * @throws whatever `end` was given, or `refuse` throws
   */
  async *session(
    session_id: string,
    signal: AbortSignal,
    refuse: () => void = () => {},
  ): AsyncGenerator<Update, void, undefined> {
    let told: Session | null = null;
    const watcher: Watcher = { dirty: false, wake: () => {} };
    const watchers = this.#watchers.get(session_id) ?? new Set();
    this.#watchers.set(session_id, watchers.add(watcher));
    try {
      while (!signal.aborted) {
        watcher.dirty = false;
        // Read first: what is sealed while the state is fetched is not vouched for.
        const revision = this.#projection.size - 1;
        const session = await this.#projection.session(session_id);
        refuse();
        if (session !== null && isNews(told, session)) {
          told = session;
          yield { type: "state", session, revision };
          if (session.stop !== null) {
            return;
          }
          // What was sealed while the reader was busy must not wait for the next event.
          continue;
        }
        if (this.#ended !== null) {
          return yield* this.#lastWords(revision);
        }
        if (!(await woken(watcher, signal, this.#clock)) && !watcher.dirty) {
          yield { type: "bookmark", draining: false, revision: this.#projection.size - 1 };
        }
      }
    } finally {
      watchers.delete(watcher);
      if (watchers.size === 0) {
        this.#watchers.delete(session_id);
      }
    }
  }

  *#lastWords(revision: number): Generator<Update, void, undefined> {
    if (this.#ended === "draining") {
      yield { type: "bookmark", draining: true, revision };
    } else if (this.#ended !== null) {
      throw this.#ended;
    }
  }
}

/** Sessions whose state an event changes: its own, and the parents that an action counts at. */
function touchedBy(projection: Projection, event: Event): readonly string[] {
  if (!("session_id" in event) || event.session_id === null) {
    return [];
  }
  return event.event === "enforcement_decision" ? projection.ancestry(event.session_id) : [event.session_id];
}

function rouse(watcher: Watcher): void {
  watcher.dirty = true;
  watcher.wake();
}

/** An entry of its own, or an action of a sub-session that was counted at it. */
function isNews(told: Session | null, now: Session): boolean {
  return told === null || now.last_sequence > told.last_sequence || now.actions.spent !== told.actions.spent;
}

/** Waits for a wake-up; false when nothing came and it is time for a bookmark. */
function woken(watcher: Watcher, signal: AbortSignal, clock: Clock): Promise<boolean> {
  if (watcher.dirty || signal.aborted) {
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    const spread = limits.bookmark_ms_max - limits.bookmark_ms_min;
    const wait_ms = limits.bookmark_ms_min + Math.random() * spread;
    const callOff = clock.after(wait_ms, () => finish(false));
    const finish = (value: boolean) => {
      callOff();
      signal.removeEventListener("abort", onAbort);
      watcher.wake = () => {};
      resolve(value);
    };
    const onAbort = () => finish(true);
    signal.addEventListener("abort", onAbort);
    watcher.wake = () => finish(true);
  });
}
