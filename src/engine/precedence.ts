/** The order in which an action is asked about, and which step of it answered a sealed decision. */
import type { EnforcementDecision } from "../core/event.js";
import type { SessionPause } from "../core/session-parts.js";

/** In the order of precedence: the first that applies is the reason. */
export const steps = [
  "access",
  "standing",
  "ttl",
  "idle_time",
  "lease",
  "pause",
  "repeat",
  "actions_budget",
  "policies",
  "other_budgets",
] as const;
export type Step = (typeof steps)[number];

/** What each step asks. */
export const step_words: Readonly<Record<Step, string>> = {
  access: "may this key ask for this session",
  standing: "is anything stopped or halted: workspace, agent, credential, label, parents, the session",
  ttl: "is its time over",
  idle_time: "was it idle for too long",
  lease: "is its lease lost",
  pause: "is it held",
  repeat: "was this answered before, under the same idempotency key",
  actions_budget: "is an action left",
  policies: "what do the policies say",
  other_budgets: "does its cost fit, and how many are under way",
};

/** Built-in policies that answer before any other is asked. */
export const before_policies: ReadonlySet<string> = new Set([
  "__session_terminated",
  "__session_paused",
  "__scope_halted",
  "__agent_revoked",
  "__escalation_pending",
  "__escalation_not_open",
  "__escalation_mismatch",
]);

/** By the stop reason or the event that is the nearest cause of a `terminate`. */
const by_expiry: Readonly<Record<string, Step>> = { ttl_expired: "ttl", idle_timeout: "idle_time" };

interface KnownCause {
  readonly event: string;
  readonly at: number | null;
  readonly reason: string | null;
}

/**
 * The step that answered. A session that something stopped before is answered by its standing, whatever
 * stopped it: only what stopped it in this very decision is the step itself.
 *
 * @param causes nearest first
 * @param pause what holds the session, of a decision that it answered
 */
export function stepOf(
  decision: EnforcementDecision,
  causes: readonly KnownCause[],
  pause: SessionPause | null,
): Step {
  const [first] = decision.policies_triggered;
  switch (first?.policy_id) {
    case "__session_terminated":
      return stopStep(decision, causes);
    case "__session_paused":
      // A budget that pauses answers the action that found it empty; what comes later meets the pause.
      return pause?.at === decision.at && pause.exceeded !== null ? budgetStep(pause.exceeded.unit) : "pause";
    case "__scope_halted":
    case "__agent_revoked":
      return "standing";
    case "__budget_reserved":
    case "__max_concurrent":
      return "other_budgets";
    default:
      return "policies";
  }
}

function budgetStep(unit: string): Step {
  return unit === "actions" ? "actions_budget" : "other_budgets";
}

function stopStep({ at }: EnforcementDecision, causes: readonly KnownCause[]): Step {
  const [stop, before] = causes;
  if (stop === undefined || stop.at !== at) {
    return "standing";
  }
  if (stop.event === "session_expired") {
    return by_expiry[stop.reason ?? ""] ?? "ttl";
  }
  switch (before?.event) {
    case "budget_exceeded":
      return budgetStep(before.reason?.split(" ")[0] ?? "");
    case "lease_lost":
      return "lease";
    default:
      return "standing";
  }
}

/** Whether a step had nothing to say, was the one that decided, or was not asked. */
export type Mark = "passed" | "decided" | "not asked";

/** What each step did. Nothing objects to what is allowed, so every step was passed, or has named its reasons. */
export function marksOf(decision: EnforcementDecision, decided_by: Step): Readonly<Record<Step, Mark>> {
  const is_allow = decision.decision === "allow";
  const decided_at = steps.indexOf(decided_by);
  const markOf = (step: Step, i: number): Mark => {
    if (is_allow && decision.escalation_id !== null && step === "actions_budget") {
      // What was approved was counted when it was asked for.
      return "not asked";
    }
    if (i === decided_at) {
      return is_allow && decision.policies_triggered.length === 0 ? "passed" : "decided";
    }
    return is_allow || i < decided_at ? "passed" : "not asked";
  };
  return Object.fromEntries(steps.map((step, i) => [step, markOf(step, i)])) as Record<Step, Mark>;
}
