/** What is demanded of escalations in a log: opened behind their decision, answered once, used once. */
import type { Event } from "../../src/core/event.js";

type Of<Name extends Event["event"]> = Extract<Event, { event: Name }>;
type Demand = (holds: boolean, claim: string) => void;

interface Waiting {
  readonly decision: Of<"enforcement_decision">;
  readonly opened: Of<"escalation_opened">;
  resolved: Of<"escalation_resolved"> | null;
  used: boolean;
}

/** Of the session of an escalation; null without one. */
export interface Asking {
  readonly ended: boolean;
  /** Whether an order is in force on its path, or on its agent. */
  readonly halted: boolean;
  /** The keys that started it and those above it. */
  readonly started_by: readonly (string | null)[];
}

const approval_ms = 15 * 60_000;

export class Escalations {
  readonly #all = new Map<string, Waiting>();

  /** @param before the entry before */
  opened(demand: Demand, event: Of<"escalation_opened">, before: Event | undefined): void {
    const { escalation_id, decision_id, session_id } = event;
    demand(!this.#all.has(escalation_id), "an escalation is opened once");
    demand(event.expires_at > event.at, "it has time");
    demand(
      before?.event === "enforcement_decision" &&
        before.decision === "escalate" &&
        before.decision_id === decision_id &&
        before.escalation_id === escalation_id &&
        before.session_id === session_id,
      "it follows the decision that escalates",
    );
    if (before?.event === "enforcement_decision") {
      this.#all.set(escalation_id, { decision: before, opened: event, resolved: null, used: false });
    }
  }

  resolved(demand: Demand, event: Of<"escalation_resolved">, asking: Asking | null): void {
    const { resolution, actor } = event;
    const waiting = this.#all.get(event.escalation_id);
    demand(waiting?.resolved === null, "it waits");
    if (waiting === undefined) {
      return;
    }
    waiting.resolved = event;
    demand(event.decision_id === waiting.decision.decision_id, "it is about that decision");
    demand(event.session_id === waiting.decision.session_id, "it is about that session");
    if (resolution === "expired") {
      demand(actor.key_id === null, "the engine finds it");
      demand(event.at >= waiting.opened.expires_at || asking?.ended === true, "time or session is over");
      return;
    }
    demand(actor.key_id !== null && actor.role !== "agent", "a person answers");
    demand(event.at < waiting.opened.expires_at, "in time");
    const askers = [waiting.decision.actor.key_id, ...(asking?.started_by ?? [])];
    demand(!askers.includes(actor.key_id), "nobody answers what is their own");
    demand(
      resolution === "rejected" || asking === null || !asking.ended,
      "nothing is approved after the end",
    );
    demand(
      resolution === "rejected" || asking === null || !asking.halted,
      "nothing is approved under an order",
    );
  }

  /** Actions that a decision adds: none where it is what an approval is for, which is used by it. */
  actions(demand: Demand, event: Of<"enforcement_decision">): 0 | 1 {
    const { escalation_id, decision } = event;
    demand(decision !== "escalate" || escalation_id !== null, "an escalation has an id");
    const named =
      escalation_id === null || decision === "escalate" ? undefined : this.#all.get(escalation_id);
    if (named === undefined) {
      demand(escalation_id === null || decision === "escalate", "the escalation that is named was opened");
      return 1;
    }
    demand(named.decision.session_id === event.session_id, "it is of the same session");
    if (decision !== "allow") {
      return 1;
    }
    demand(named.resolved?.resolution === "approved", "it was approved");
    demand(event.at < (named.resolved?.at ?? 0) + approval_ms, "the approval is fresh");
    demand(!named.used, "an approval is used once");
    demand(named.decision.action_type === event.action_type, "it is of the same action");
    demand(named.decision.agent_id === event.agent_id, "it is of the same agent");
    named.used = true;
    return 0;
  }

  /** Sessions in which something waits. */
  *waitingIn(): Generator<string, void, undefined> {
    for (const { resolved, decision } of this.#all.values()) {
      if (resolved === null && decision.session_id !== null) {
        yield decision.session_id;
      }
    }
  }
}
