/**
 * When, and by what, the stop of a session was first handed to its client. Kept until something of it
 * is sealed, and only in memory: what is known by then is sealed with that.
 */
import type { HaltVia } from "../core/event-halt.js";
import { limits } from "../limits.js";

/** A stop that was handed to a client. */
export interface Delivery {
  readonly halt_id: string;
  readonly via: HaltVia;
  /** Engine time. */
  readonly at: number;
  /** The same on the monotonic clock of the process, finer than a millisecond. */
  readonly monotonic_ms: number;
}

export class Deliveries {
  /** Oldest first. */
  readonly #by_session = new Map<string, Delivery>();
  readonly #counts = new Map<string, number>();

  /** Notes one. Returns whether it is the first of this stop at this session, which alone counts. */
  note(session_id: string, delivery: Delivery): boolean {
    if (this.#by_session.get(session_id)?.halt_id === delivery.halt_id) {
      return false;
    }
    this.forget(session_id);
    this.#by_session.set(session_id, delivery);
    this.#counts.set(delivery.halt_id, this.count(delivery.halt_id) + 1);
    if (this.#by_session.size > limits.deliveries) {
      this.forget(this.#by_session.keys().next().value as string);
    }
    return true;
  }

  /** The delivery of a stop at a session. */
  of(session_id: string, halt_id: string): Delivery | null {
    const delivery = this.#by_session.get(session_id);
    return delivery?.halt_id === halt_id ? delivery : null;
  }

  /** At how many sessions a stop was delivered of which nothing is sealed. */
  count(halt_id: string): number {
    return this.#counts.get(halt_id) ?? 0;
  }

  forget(session_id: string): void {
    const delivery = this.#by_session.get(session_id);
    if (delivery === undefined) {
      return;
    }
    this.#by_session.delete(session_id);
    const left = this.count(delivery.halt_id) - 1;
    if (left > 0) {
      this.#counts.set(delivery.halt_id, left);
    } else {
      this.#counts.delete(delivery.halt_id);
    }
  }
}
