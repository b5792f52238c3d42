/**
 * Rings for those who must hear at once that a session has stopped, is held or goes on, that its stop is
 * confirmed, or that nobody confirmed it in time, or that a part of a limit is used up: in the very turn in which that is sealed, before any
 * caller of the same write is answered. What happened is theirs to look up.
 */
import type { Event } from "../core/event.js";

export class Alarms {
  readonly #bells = new Map<string, Set<() => void>>();

  /** Rings `bell` for a session until the function that is returned is called. */
  set(session_id: string, bell: () => void): () => void {
    const bells = this.#bells.get(session_id) ?? new Set();
    this.#bells.set(session_id, bells.add(bell));
    return () => {
      bells.delete(bell);
      if (bells.size === 0) {
        this.#bells.delete(session_id);
      }
    };
  }

  onSealed(events: readonly Event[]): void {
    if (this.#bells.size === 0) {
      return;
    }
    for (const event of events) {
      switch (event.event) {
        case "session_killed":
        case "session_expired":
        case "session_ended":
        case "session_paused":
        case "session_resumed":
        case "halt_confirmed":
        case "halt_unconfirmed":
          this.#ring(event.session_id);
          break;
        case "notice":
          if (event.kind === "soft_limit") {
            this.#ring(event.session_id);
          }
          break;
        default:
      }
    }
  }

  #ring(session_id: string | null): void {
    for (const bell of this.#bells.get(session_id ?? "") ?? []) {
      bell();
    }
  }
}
