/**
 * Which sessions are in memory: those that are live, and those that stopped last. The decided state
 * and the sealed facts hold the same ones, so that both count a session's entries or neither does.
 */
import type { Event } from "../core/event.js";
import { forgetStopped, oldestStopped, readmitStopped } from "../core/evolve-session.js";
import type { Session, State } from "../core/state.js";
import type { Projection } from "./projection.js";
import { copyOf } from "./session-copy.js";

export class Memory {
  readonly #state: State;
  readonly #projection: Projection;
  readonly #stopped_max: number;
  /** While a session is absent nothing can be sealed about it, so what is being read stays true. */
  readonly #loading = new Map<string, Promise<boolean>>();

  /** @param stopped_max stopped sessions that stay */
  constructor(state: State, projection: Projection, stopped_max: number) {
    this.#state = state;
    this.#projection = projection;
    this.#stopped_max = stopped_max;
  }

  /** Whether every one of the sessions is there. */
  holds(session_ids: readonly string[]): boolean {
    return session_ids.every((session_id) => this.#state.sessions.has(session_id));
  }

  /** Brings stopped sessions back. When it resolves, those that are not there do not exist. */
  async load(session_ids: readonly string[]): Promise<void> {
    const unknown = new Set<string>();
    const isAbsent = (id: string) => !unknown.has(id) && !this.#state.sessions.has(id);
    // One that came back may have gone again while the next was read.
    for (
      let absent = session_ids.filter(isAbsent);
      absent.length > 0;
      absent = session_ids.filter(isAbsent)
    ) {
      const found = await Promise.all(absent.map((session_id) => this.#loadOnce(session_id)));
      for (const [i, session_id] of absent.entries()) {
        if (!found[i]) {
          unknown.add(session_id);
        }
      }
    }
  }

  /** Lets those go that stopped first and are too many. */
  evict(): void {
    for (const session_id of oldestStopped(this.#state, this.#projection.size)) {
      if (this.#state.stopped.size <= this.#stopped_max) {
        return;
      }
      // The ends of its sub-sessions, or the settlement of an action, may still be on their way to the disk.
      const { stopped, children } = this.#projection.state;
      if (stopped.has(session_id) && !children.has(session_id)) {
        forgetStopped(this.#state, session_id);
        forgetStopped(this.#projection.state, session_id);
      }
    }
  }

  /**
   * Brings back a session that an entry of a replay is about, to count on. Its row is of the time
   * when the rows were last written: up to there it counts already.
   */
  async recall(event: Event): Promise<void> {
    if (
      "session_id" in event &&
      event.session_id !== null &&
      event.event !== "session_started" &&
      this.#state.next_sequence >= this.#projection.rows_through &&
      !this.#state.sessions.has(event.session_id)
    ) {
      await this.load([event.session_id]);
    }
  }

  /** Whether the session exists. */
  #loadOnce(session_id: string): Promise<boolean> {
    const loading = this.#loading.get(session_id) ?? this.#read(session_id);
    this.#loading.set(session_id, loading);
    return loading;
  }

  async #read(session_id: string): Promise<boolean> {
    try {
      const session = await this.#projection.session(session_id);
      if (session !== null) {
        this.#readmit(session);
      }
      return session !== null;
    } finally {
      this.#loading.delete(session_id);
    }
  }

  #readmit(session: Session): void {
    readmitStopped(this.#state, copyOf(session));
    readmitStopped(this.#projection.state, copyOf(session));
  }
}
