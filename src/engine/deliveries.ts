/**
 * When, and by what, the stop or the pause of a session was first handed to its client. Kept until the client says
 * something of it, and only in memory: what is known by then is sealed with its word.
 */
import type { Event } from "../core/event.js";
import type { HaltVia } from "../core/event-halt.js";
import { limits } from "../limits.js";

/** A stop that was handed to a client. */
export interface Delivery {
  readonly via: HaltVia;
  /** Engine time. */
  readonly at: number;
}

export class Deliveries {
  /** Oldest first. */
  readonly #by_session = new Map<string, Delivery>();

  /** Notes one; the first of a session counts. */
  note(session_id: string, delivery: Delivery): void {
    if (this.#by_session.has(session_id)) {
      return;
    }
    this.#by_session.set(session_id, delivery);
    if (this.#by_session.size > limits.deliveries) {
      this.#by_session.delete(this.#by_session.keys().next().value as string);
    }
  }

  of(session_id: string): Delivery | null {
    return this.#by_session.get(session_id) ?? null;
  }

  /** Forgets what the client has spoken of, or what another stop or pause has come after. */
  onSealed(event: Event): void {
    switch (event.event) {
      case "session_paused":
      case "session_killed":
      case "session_expired":
      case "halt_acknowledged":
      case "halt_confirmed":
        this.#by_session.delete(event.session_id);
        return;
      default:
    }
  }
}
