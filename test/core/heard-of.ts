/** What the engine knows of leases, kept as simply as can be: whose client was heard when. */
import type { LostLease } from "../../src/core/command-parts.js";
import type { Event } from "../../src/core/event.js";
import { leaseDeadline } from "../../src/core/lease.js";
import { pathFromRoot } from "../../src/core/scope.js";
import type { State } from "../../src/core/state.js";
import type { Asked } from "./workspace.js";

export class HeardOf {
  /** Absent: without a lease, or lost and not heard since. */
  readonly #heard = new Map<string, number>();
  readonly #leases = new Map<string, number>();

  take(event: Event): void {
    if (event.event === "session_started" && event.lease_seconds !== null) {
      this.#leases.set(event.session_id, event.lease_seconds);
      this.#heard.set(event.session_id, event.at);
    } else if (event.event === "session_resumed") {
      this.renew(event.session_id, event.at);
    } else if (event.event === "lease_lost") {
      this.#heard.delete(event.session_id);
    }
  }

  renew(session_id: string, at: number): void {
    if (this.#leases.has(session_id)) {
      this.#heard.set(session_id, at);
    }
  }

  /** Every lease starts anew. */
  restart(at: number): void {
    for (const session_id of this.#leases.keys()) {
      this.#heard.set(session_id, at);
    }
  }

  lost(state: State, asked: Asked, at: number): readonly LostLease[] {
    const id = sessionNamed(asked);
    const session = id == null ? undefined : state.sessions.get(id);
    if (session === undefined || session.stop !== null) {
      return [];
    }
    return pathFromRoot(state, session).flatMap(({ session_id, stop }) => {
      const last_heard_at = this.#heard.get(session_id);
      const lease_seconds = this.#leases.get(session_id);
      const is_lost =
        stop === null &&
        last_heard_at !== undefined &&
        lease_seconds !== undefined &&
        at >= leaseDeadline(lease_seconds, last_heard_at);
      return is_lost ? [{ session_id, last_heard_at }] : [];
    });
  }
}

function sessionNamed(asked: Asked): string | null {
  switch (asked.type) {
    case "start_session":
      return asked.parent_session_id;
    case "order_halt":
      return asked.scope.kind === "session" ? asked.scope.id : null;
    default:
      return "session_id" in asked ? asked.session_id : null;
  }
}
