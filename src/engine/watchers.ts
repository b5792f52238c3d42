/** Watches of sessions by what can concern them, so that a change looks only at those. */
import type { Session } from "../core/state.js";
import type { SessionWatcher } from "./session-watcher.js";

export class Watchers {
  /** Of a session, of any session of an agent, of any session. */
  readonly #by_session = new Map<string, Set<SessionWatcher>>();
  readonly #by_agent = new Map<string, Set<SessionWatcher>>();
  readonly #by_any = new Set<SessionWatcher>();

  add(watcher: SessionWatcher): void {
    const { selection } = watcher;
    if (selection.by === "ids") {
      for (const session_id of selection.session_ids) {
        join(this.#by_session, session_id, watcher);
      }
    } else if (selection.agent_id === null) {
      this.#by_any.add(watcher);
    } else {
      join(this.#by_agent, selection.agent_id, watcher);
    }
  }

  remove(watcher: SessionWatcher): void {
    const { selection } = watcher;
    if (selection.by === "ids") {
      for (const session_id of selection.session_ids) {
        this.leave(watcher, session_id);
      }
    } else if (selection.agent_id === null) {
      this.#by_any.delete(watcher);
    } else {
      leave(this.#by_agent, selection.agent_id, watcher);
    }
  }

  /** A watch by ids is about one of them no more. */
  leave(watcher: SessionWatcher, session_id: string): void {
    leave(this.#by_session, session_id, watcher);
  }

  /**
   * The watches that are about a session as it is.
   *
   * @param has_turned whether it has just got its status
   */
  *of(session: Session, has_turned: boolean): Generator<SessionWatcher, void, undefined> {
    yield* this.#by_session.get(session.session_id) ?? [];
    const of_agent = session.agent_id === null ? undefined : this.#by_agent.get(session.agent_id);
    for (const watchers of [of_agent ?? [], this.#by_any]) {
      for (const watcher of watchers) {
        if (watcher.selection.by === "filter" && watcher.selection.matches(session, has_turned)) {
          yield watcher;
        }
      }
    }
  }
}

type Index = Map<string, Set<SessionWatcher>>;

function join(index: Index, key: string, watcher: SessionWatcher): void {
  const watchers = index.get(key) ?? new Set();
  index.set(key, watchers.add(watcher));
}

function leave(index: Index, key: string, watcher: SessionWatcher): void {
  const watchers = index.get(key);
  watchers?.delete(watcher);
  if (watchers?.size === 0) {
    index.delete(key);
  }
}
