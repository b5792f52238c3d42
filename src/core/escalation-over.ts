/** What is sealed of escalations that nobody answered. */
import { system_actor } from "./actor.js";
import type { Escalation } from "./escalation-parts.js";

function expired({ escalation_id, decision_id, session_id }: Escalation, reason: string) {
  return {
    event: "escalation_resolved",
    actor: system_actor,
    session_id,
    escalation_id,
    decision_id,
    resolution: "expired",
    reason,
  } as const;
}

/** Nobody answered in time. */
export function unanswered(escalation: Escalation) {
  const seconds = Math.round((escalation.expires_at - escalation.opened_at) / 1000);
  return expired(escalation, `nobody answered within ${seconds} seconds`);
}

/** The session stopped first. */
export function afterStop(escalation: Escalation) {
  return expired(escalation, "the session has stopped");
}
