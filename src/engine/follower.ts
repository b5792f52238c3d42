/**
 * Turns sealed events into watches. Level-triggered: a watch keeps what changed and no queue of
 * how, its reader gets the newest sealed state when it comes for it; so a slow reader costs little
 * and a terminal state, which never changes again, is always seen. Each event looks only at the
 * watches that it can concern.
 */
import type { EnforcementDecision, Event } from "../core/event.js";
import type { Session } from "../core/state.js";
import { limits } from "../limits.js";
import { Bell, type Reader } from "./bell.js";
import type { Clock } from "./clock.js";
import { type EscalationSelection, EscalationWatcher } from "./escalation-watcher.js";
import { type EscalationUpdate, EscalationWatch, EscalationWatches } from "./escalation-watches.js";
import type { Projection } from "./projection.js";
import { copyOf } from "./session-copy.js";
import { SessionWatch, type Source, type Update } from "./session-watch.js";
import { type Selection, SessionWatcher } from "./session-watcher.js";
import type { Bookmark } from "./watch-loop.js";
import { Watchers } from "./watchers.js";

/** Entries that are sealed: `from` <= index < `to`. */
export interface Span {
  readonly type: "entries";
  readonly from: number;
  readonly to: number;
}

/** Copies of sessions are shared this long: watches that are woken together read them together. */
const shared_ms = 50;

export class Follower {
  readonly #projection: Projection;
  readonly #clock: Clock;
  readonly #changes_max: number;
  readonly #watchers = new Watchers();
  readonly #of_escalations = new EscalationWatches();
  readonly #of_entries = new Set<Bell>();
  readonly #bells = new Set<Bell>();
  /** Who is woken next: readers that are to learn of a stop, then the others. */
  readonly #urgent = new Set<Bell>();
  readonly #waking = new Set<Bell>();
  #is_waking = false;
  readonly #shared = new Map<string, Session>();
  #shared_until = 0;
  #ended: Error | "draining" | null = null;

  /** @param changes_max untold changes that one watch keeps apart */
  constructor(projection: Projection, clock: Clock, changes_max: number = limits.watch_changes) {
    this.#projection = projection;
    this.#clock = clock;
    this.#changes_max = changes_max;
  }

  /** How many watches there are. */
  get watchers(): number {
    return this.#bells.size;
  }

  /** Tells the watches what a sealed batch changed. The projection has taken it in. */
  onSealed(events: readonly Event[]): void {
    this.#shared.clear();
    if (this.#bells.size === 0) {
      return;
    }
    const first = this.#projection.size - events.length;
    for (const [i, event] of events.entries()) {
      this.#mark(event, first + i);
      for (const bell of this.#of_escalations.mark(event, first + i)) {
        this.#waking.add(bell);
      }
    }
    for (const bell of this.#of_entries) {
      this.#waking.add(bell);
    }
    this.#wake();
  }

  /** Ends every watch: with a bookmark when the server drains, or with an error. */
  end(why: Error | "draining"): void {
    this.#ended ??= why;
    for (const bell of this.#bells) {
      bell.ring();
    }
  }

  /**
   * Follows sessions: each of them as it is now, a bookmark, then their newer states. For one
   * session states come in the order of the log.
   *
   * @param from index up to which the reader knows everything from before: it is told how sessions
   *   stopped since
   * @throws whatever `end` was given, or `reader.refuse` throws
   */
  async *sessions(
    selection: Selection,
    reader: Reader,
    from: number | null = null,
  ): AsyncGenerator<Update, void, undefined> {
    const watcher = new SessionWatcher(selection, this.#projection.size - 1, this.#changes_max);
    this.#watchers.add(watcher);
    this.#bells.add(watcher.bell);
    try {
      yield* new SessionWatch(this.#source(watcher), watcher, reader).updates(from);
    } finally {
      this.#watchers.remove(watcher);
      this.#forget(watcher.bell);
    }
  }

  /** Follows one session until it is terminal. */
  session(session_id: string, reader: Reader, from: number | null = null): ReturnType<Follower["sessions"]> {
    return this.sessions({ by: "ids", session_ids: [session_id] }, reader, from);
  }

  /**
   * Follows escalations: each of the selection as it is now, a bookmark, then their newer states.
   *
   * @param from index up to which the reader knows everything from before: it is told what was resolved since
   * @throws whatever `end` was given, or `reader.refuse` throws
   */
  async *escalations(
    selection: EscalationSelection,
    reader: Reader,
    from: number | null = null,
  ): AsyncGenerator<EscalationUpdate, void, undefined> {
    const watcher = new EscalationWatcher(selection, this.#projection.size - 1, this.#changes_max);
    const source = { projection: this.#projection, clock: this.#clock, ended: () => this.#ended };
    this.#of_escalations.add(watcher);
    this.#bells.add(watcher.bell);
    try {
      yield* new EscalationWatch(source, watcher, reader).updates(from);
    } finally {
      this.#of_escalations.remove(watcher);
      this.#forget(watcher.bell);
    }
  }

  /**
   * Follows the log: which entries are there from `from` on, a bookmark, then those that are sealed.
   *
   * @param from index of the first entry to tell; at most the size of the log
   * @throws whatever `end` was given, or `reader.refuse` throws
   */
  async *entries(from: number, reader: Reader): AsyncGenerator<Span | Bookmark, void, undefined> {
    const bell = new Bell();
    this.#bells.add(bell);
    this.#of_entries.add(bell);
    try {
      const known = this.#projection.size;
      let is_told = false;
      for (let next = from; ; ) {
        reader.refuse?.(next === this.#projection.size);
        const end = is_told ? this.#projection.size : known;
        if (next < end) {
          const to = Math.min(end, next + limits.watch_entries_chunk);
          yield { type: "entries", from: next, to };
          next = to;
        } else if (!is_told) {
          is_told = true;
          yield { type: "bookmark", draining: false, revision: next - 1 };
        } else if (this.#ended === "draining") {
          return yield { type: "bookmark", draining: true, revision: next - 1 };
        } else if (this.#ended !== null) {
          throw this.#ended;
        } else if (reader.signal.aborted) {
          return;
        } else if (await bell.silent(this.#clock, reader)) {
          yield { type: "bookmark", draining: false, revision: next - 1 };
        }
      }
    } finally {
      this.#of_entries.delete(bell);
      this.#forget(bell);
    }
  }

  #source(watcher: SessionWatcher): Source {
    return {
      projection: this.#projection,
      clock: this.#clock,
      ended: () => this.#ended,
      present: (session) => this.#present(session),
      leave: (session_id) => this.#watchers.leave(watcher, session_id),
    };
  }

  /** A copy of a session as it is now: the same one for all who ask before the next seal. */
  #present(session: Session): Session {
    const now = this.#clock.now();
    if (now >= this.#shared_until || this.#shared.size >= limits.watched_sessions) {
      this.#shared.clear();
      this.#shared_until = now + shared_ms;
    }
    const shared = this.#shared.get(session.session_id) ?? copyOf(session);
    this.#shared.set(session.session_id, shared);
    return shared;
  }

  #mark(event: Event, sequence: number): void {
    switch (event.event) {
      case "api_key_revoked":
      case "credential_revoked":
      case "agent_revoked":
        // A key that is gone may be that of any reader.
        for (const bell of this.#bells) {
          this.#waking.add(bell);
        }
        return;
      case "enforcement_decision":
        for (const session_id of this.#countedAt(event)) {
          this.#markSession(session_id, sequence, false);
        }
        return;
      case "reservation_settled":
        for (const session_id of this.#projection.ancestry(event.session_id)) {
          this.#markSession(session_id, sequence, false);
        }
        return;
      case "session_killed":
      case "session_expired":
      case "session_ended":
        this.#markSession(event.session_id, sequence, true);
        return;
      default:
        if ("session_id" in event && event.session_id !== null) {
          this.#markSession(event.session_id, sequence, false);
        }
    }
  }

  /** A session and its parents; a `terminate` counts nowhere. */
  #countedAt({ session_id, decision }: EnforcementDecision): readonly string[] {
    return session_id === null || decision === "terminate" ? [] : this.#projection.ancestry(session_id);
  }

  #markSession(session_id: string, sequence: number, is_stop: boolean): void {
    const session = this.#projection.state.sessions.get(session_id);
    // Once it has stopped only its stop is news.
    if (session === undefined || (session.stop !== null && !is_stop)) {
      return;
    }
    // The state is that after the whole write: an entry in it may be older than the status.
    for (const watcher of this.#watchers.of(session, session.turn_sequence >= sequence)) {
      watcher.mark(session_id, sequence, is_stop);
      (watcher.is_urgent ? this.#urgent : this.#waking).add(watcher.bell);
    }
  }

  /** Wakes some readers now and the rest in later turns, so that nobody else waits for all of them. */
  #wake(): void {
    if (this.#is_waking) {
      return;
    }
    let woken = 0;
    for (const bells of [this.#urgent, this.#waking]) {
      for (const bell of bells) {
        if (woken === limits.watch_wakes) {
          this.#is_waking = true;
          setImmediate(() => {
            this.#is_waking = false;
            this.#wake();
          });
          return;
        }
        woken += 1;
        bells.delete(bell);
        bell.ring();
      }
    }
  }

  #forget(bell: Bell): void {
    this.#bells.delete(bell);
    this.#urgent.delete(bell);
    this.#waking.delete(bell);
  }
}
