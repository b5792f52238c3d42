/** Sealed decisions as messages: one reading for a fresh verdict, a repeated one and a look-up. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Decision,
  DecisionSchema,
  type InterceptResponse,
  InterceptResponseSchema,
  Outcome,
  type PolicyTriggeredSchema,
  Verdict as VerdictCode,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import type { EnforcementDecision, Event } from "../core/event.js";
import type { PolicyTriggered, Verdict } from "../core/event-parts.js";
import { paused_policy } from "../core/intercept.js";
import { no_policies_digest, type Session, type State } from "../core/state.js";
import { amountsView, amountsViewIfAny } from "./amounts.js";
import { budgetLeft } from "./budget-left.js";
import { nextStep } from "./next-step.js";
import { consumedView, given, statusOf, stopReasonOf, timestamp } from "./view.js";
import { warningsView } from "./warnings.js";

const verdicts: Readonly<Record<Verdict, { readonly code: VerdictCode; readonly outcome: Outcome }>> = {
  allow: { code: VerdictCode.ALLOW, outcome: Outcome.ALLOWED },
  block: { code: VerdictCode.BLOCK, outcome: Outcome.REFUSED },
  escalate: { code: VerdictCode.ESCALATE, outcome: Outcome.ESCALATED },
  terminate: { code: VerdictCode.TERMINATE, outcome: Outcome.TERMINATED },
};

/** The code of the API for a verdict of the core. */
export function verdictCode(verdict: Verdict): VerdictCode {
  return verdicts[verdict].code;
}

/** The verdict of the core that a code of the API asks for. */
export function verdictAsked(code: VerdictCode): Verdict | null {
  const found = Object.entries(verdicts).find(([, each]) => each.code === code);
  return found === undefined ? null : (found[0] as Verdict);
}

/**
 * The reply to an intercept.
 *
 * @param session the session as it is sealed now; null without one. The block of a pause was given while
 *   it was held, any other verdict but terminate while it was active.
 * @param state with the sessions above it
 * @param events what was sealed with the decision; nothing for one that was sealed before
 * @param evaluated ids of the policies that were looked at, which is not sealed
 */
export function verdictView(
  decision: EnforcementDecision,
  entry_id: string,
  session: Session | null,
  state: State,
  events: readonly Event[],
  evaluated: readonly string[],
): InterceptResponse {
  const { code, outcome } = verdicts[decision.decision];
  const stop = decision.decision === "terminate" ? (session?.stop ?? null) : null;
  const is_paused = isPauseOf(decision);
  const pause = is_paused ? (session?.pause ?? null) : null;
  return create(InterceptResponseSchema, {
    decision: code,
    decisionId: decision.decision_id,
    decisionPath: decision.decision_path,
    reasoning: decision.reasoning,
    // The same list for every action of a type, and written once for all of them: nobody changes it.
    policiesEvaluated: evaluated as string[],
    policiesTriggered: policiesView(decision.policies_triggered),
    policiesShadowed: policiesView(decision.policies_shadowed ?? []),
    vaultEntryId: entry_id,
    latencyMs: decision.latency_us / 1000,
    createdAt: timestamp(decision.at),
    outcome,
    stopReason: stopReasonOf(stop?.stop_reason ?? null),
    warnings: warningsView(decision, events),
    nextStep: nextStep(decision, session),
    ...given("escalationId", decision.escalation_id),
    ...given("reserved", amountsViewIfAny(decision.reserved)),
    ...given("haltId", stop?.halt_id ?? pause?.halt_id),
    ...(session === null || decision.consumed === null
      ? {}
      : {
          sessionId: session.session_id,
          sessionStatus:
            stop !== null ? statusOf(session) : is_paused ? SessionStatus.PAUSED : SessionStatus.ACTIVE,
          consumed: consumedView(session, decision.consumed, decision.at),
          budgetLeft: budgetLeft(state, session, decision),
        }),
  });
}

/** Whether a decision is the block of a pause. */
export function isPauseOf({ policies_triggered }: EnforcementDecision): boolean {
  return policies_triggered[0]?.policy_id === paused_policy;
}

/** A decision as it is looked up later. */
export function decisionView(decision: EnforcementDecision, entry_id: string): Decision {
  return create(DecisionSchema, {
    decisionId: decision.decision_id,
    actionType: decision.action_type,
    decision: verdicts[decision.decision].code,
    latencyMs: decision.latency_us / 1000,
    reasoning: decision.reasoning,
    createdAt: timestamp(decision.at),
    policiesTriggered: policiesView(decision.policies_triggered),
    policiesShadowed: policiesView(decision.policies_shadowed ?? []),
    warnings: warningsView(decision, []),
    vaultEntryId: entry_id,
    ...given("agentId", decision.agent_id),
    ...given("sessionId", decision.session_id),
    ...given("charge", decision.charge === null ? null : amountsView(decision.charge)),
    ...given("reservation", decision.reservation === null ? null : amountsView(decision.reservation)),
    ...given("escalationId", decision.escalation_id),
    ...given(
      "policySetDigest",
      decision.policy_set_digest === no_policies_digest ? null : decision.policy_set_digest,
    ),
  });
}

/** Policies that had a say in a decision, or would have had one. */
export function policiesView(
  policies: readonly PolicyTriggered[],
): MessageInitShape<typeof PolicyTriggeredSchema>[] {
  return policies.map((policy) => ({
    policyId: policy.policy_id,
    name: policy.name,
    decision: verdicts[policy.decision].code,
    reason: policy.reason,
    ...given("priority", policy.priority),
    ...given("policyType", policy.policy_type),
    ...given("version", policy.version),
  }));
}
