/**
 * Follows each stop from its seal on: to whom it was handed, what its client said, and whether the
 * deadline came first.
 */
import type { Event } from "../core/event.js";
import type { HaltAcknowledged, HaltConfirmed, HaltUnconfirmed, HaltVia } from "../core/event-halt.js";
import { haltAt, progressOf } from "../core/halt.js";
import type { Session, State } from "../core/state.js";
import type { Clock } from "./clock.js";
import { Deadlines } from "./deadlines.js";
import { Deliveries, type Delivery } from "./deliveries.js";
import type { Observer } from "./observer.js";
import type { Projection } from "./projection.js";

export interface HaltStepsParts {
  /** The decided state. */
  readonly state: Readonly<State>;
  readonly projection: Projection;
  readonly clock: Clock;
  /** From a stop to its deadline. */
  readonly confirm_ms: number;
  /** As `close` in Deadlines, with when the stop was handed to the client, if it is known. */
  readonly unconfirm: (session_id: string, delivered_at: number | null) => Promise<boolean>;
  readonly observer: Observer | undefined;
}

export class HaltSteps {
  readonly confirm_ms: number;
  readonly #parts: HaltStepsParts;
  readonly #deliveries = new Deliveries();
  readonly #deadlines: Deadlines;

  constructor(parts: HaltStepsParts) {
    const { state, clock, confirm_ms, unconfirm } = parts;
    this.#parts = parts;
    this.confirm_ms = confirm_ms;
    this.#deadlines = new Deadlines(
      () => state.unsettled,
      clock,
      confirm_ms,
      (session_id) => {
        const halt_id = state.sessions.get(session_id)?.stop?.halt_id ?? "";
        return unconfirm(session_id, this.delivery(session_id, halt_id)?.at ?? null);
      },
    );
  }

  /** Takes in what a replay left open. */
  start(): void {
    this.#deadlines.arm();
  }

  stop(): void {
    this.#deadlines.stop();
  }

  /** Notes that the stop or the pause of a session, if it has one, has just been handed to its client. */
  deliver(known: Session, via: HaltVia): void {
    const session = this.#parts.projection.state.sessions.get(known.session_id) ?? known;
    const halt = haltAt(session);
    const { delivered_at, acknowledged_at, confirmed_at } = progressOf(session);
    if (halt === null) {
      return;
    }
    // What is sealed of it stays as it is.
    if (delivered_at !== null || acknowledged_at !== null || confirmed_at !== null) {
      return;
    }
    const at = this.#parts.clock.now();
    const is_first = this.#deliveries.note(session.session_id, {
      halt_id: halt.halt_id,
      via,
      at,
      monotonic_ms: performance.now(),
    });
    if (is_first && session.stop !== null) {
      this.#parts.observer?.onHaltStep("delivered", at - halt.at);
    }
  }

  /** How a stop was first handed to the client of a session, while nothing of it is sealed. */
  delivery(session_id: string, halt_id: string): Delivery | null {
    return this.#deliveries.of(session_id, halt_id);
  }

  /** To how many sessions a stop was handed of which nothing is sealed. */
  delivered(halt_id: string): number {
    return this.#deliveries.count(halt_id);
  }

  onDecided(): void {
    this.#deadlines.arm();
  }

  /** The projection has taken them in. */
  onSealed(events: readonly Event[]): void {
    for (const event of events) {
      switch (event.event) {
        case "halt_acknowledged":
        case "halt_confirmed":
        case "halt_unconfirmed":
          this.#deliveries.forget(event.session_id);
          this.#time(event);
          break;
        default:
      }
    }
  }

  /** Pauses are not timed: who is held has nothing to finish. */
  #time(event: HaltAcknowledged | HaltConfirmed | HaltUnconfirmed): void {
    const { projection, observer } = this.#parts;
    const stop = projection.state.sessions.get(event.session_id)?.stop ?? null;
    if (stop !== null && event.event === "halt_acknowledged") {
      observer?.onHaltStep("acknowledged", event.acknowledged_at - stop.at);
    } else if (stop !== null && event.event === "halt_confirmed") {
      observer?.onHaltStep("confirmed", event.elapsed_ms);
    }
  }
}
