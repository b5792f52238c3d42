/** What the caller of an intercept should do next, in one sentence: it depends on what the verdict came from. */
import type { EnforcementDecision } from "../core/event.js";
import type { Session } from "../core/state.js";

/**
 * @param session the session as it is sealed now; null without one
 */
export function nextStep(decision: EnforcementDecision, session: Session | null): string {
  switch (decision.decision) {
    case "allow":
      return decision.reservation === null
        ? "Do the action."
        : "Do the action, then settle this decision with what it cost, or cancel it if it was not done.";
    case "block":
      return afterBlock(decision, session);
    case "escalate":
      return "Do not do the action: wait until a person has approved it, then repeat the intercept with this escalation_id.";
    case "terminate":
      return session?.stop?.halt_id == null
        ? "Stop the run: the session is over, and other work needs another session."
        : "Stop the run, then acknowledge halt_id.";
  }
}

function afterBlock({ policies_triggered }: EnforcementDecision, session: Session | null): string {
  const policy = policies_triggered[0];
  switch (policy?.policy_id) {
    case "__session_paused":
      return whileHeld(session);
    case "__budget_reserved":
    case "__max_concurrent":
      return "Do not do the action yet: settle or cancel what is held for others, then ask again.";
    case "__agent_revoked":
    case "__scope_halted":
      return "Do not do the action, and stop: nothing is allowed to this agent.";
    case "__escalation_pending":
      return "Do not do the action: watch the escalation, and repeat the intercept when a person has approved it.";
    case "__escalation_mismatch":
    case "__escalation_not_open":
      return "Do not do the action: ask for it anew, without escalation_id, if it is still to be done.";
    case "__escalation_limit":
      return "Do not do the action: wait until some of the escalations are answered, then ask again.";
    default:
      return "Do not do the action: go on without it, or by another way.";
  }
}

function whileHeld(session: Session | null): string {
  if (session?.pause?.cause?.event === "session_paused") {
    return "Do not do the action: wait until the session above goes on, which an operator resumes or whose budget is raised, then ask again.";
  }
  return session?.pause?.exceeded == null
    ? "Do not do the action: wait until an operator resumes the session, then ask again."
    : "Do not do the action: wait until an operator raises the budget, which resumes the session, then ask again.";
}
