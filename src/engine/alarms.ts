/**
 * Rings for those who must hear at once that a session has stopped, that its stop is confirmed, or that
 * a key is out: in the very turn in which that is sealed, before any caller of the same write is
 * answered. What follows is theirs to look up.
 */
import type { Event } from "../core/event.js";

export class Alarms {
  readonly #by_session = new Map<string, Set<() => void>>();
  readonly #by_key = new Map<string, Set<() => void>>();
  readonly #credentialsOf: (agent_id: string) => readonly string[];

  /** @param credentialsOf the ids of all credentials of an agent */
  constructor(credentialsOf: (agent_id: string) => readonly string[]) {
    this.#credentialsOf = credentialsOf;
  }

  /** Rings `bell` for a session and a key until the function that is returned is called. */
  set(session_id: string, key_id: string, bell: () => void): () => void {
    add(this.#by_session, session_id, bell);
    add(this.#by_key, key_id, bell);
    return () => {
      remove(this.#by_session, session_id, bell);
      remove(this.#by_key, key_id, bell);
    };
  }

  onSealed(events: readonly Event[]): void {
    if (this.#by_session.size === 0) {
      return;
    }
    for (const event of events) {
      switch (event.event) {
        case "session_killed":
        case "session_expired":
        case "session_ended":
        case "halt_confirmed":
          ring(this.#by_session.get(event.session_id));
          break;
        case "api_key_revoked":
          ring(this.#by_key.get(event.key_id));
          break;
        case "credential_revoked":
          ring(this.#by_key.get(event.credential_id));
          break;
        case "agent_revoked":
          for (const credential_id of this.#credentialsOf(event.agent_id)) {
            ring(this.#by_key.get(credential_id));
          }
          break;
        default:
      }
    }
  }
}

function add(bells: Map<string, Set<() => void>>, id: string, bell: () => void): void {
  const set = bells.get(id);
  if (set === undefined) {
    bells.set(id, new Set([bell]));
  } else {
    set.add(bell);
  }
}

function remove(bells: Map<string, Set<() => void>>, id: string, bell: () => void): void {
  const set = bells.get(id);
  set?.delete(bell);
  if (set?.size === 0) {
    bells.delete(id);
  }
}

function ring(bells: ReadonlySet<() => void> | undefined): void {
  for (const bell of bells ?? []) {
    bell();
  }
}
