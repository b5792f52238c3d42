/** What escalations do to the state: they wait, are approved, are used, and are forgotten. */

import { limits } from "../limits.js";
import type { Escalation } from "./escalation-parts.js";
import type { EnforcementDecision } from "./event.js";
import type { EscalationOpened, EscalationResolved } from "./event-escalation.js";
import type { State } from "./state.js";

/** Keeps what the next entry opens. Where a crash has cut that off, nobody has heard of the escalation. */
export function evolveEscalate(state: State, event: EnforcementDecision): void {
  const { decision_id, session_id, agent_id, actor, action_type, action_digest, details_digest } = event;
  const salt = event.details_salt ?? null;
  const { key_id: asked_by } = actor;
  const action = { action_type, action_digest, details_digest, salt };
  state.escalating = { decision_id, session_id, agent_id, asked_by, ...action };
}

/** An escalation is opened, or answered. */
export function evolveEscalation(
  state: State,
  event: EscalationOpened | EscalationResolved,
  sequence: number,
): void {
  if (event.event === "escalation_opened") {
    openEscalation(state, event, sequence);
  } else {
    resolveEscalation(state, event);
  }
}

/** An escalation waits from here on. */
function openEscalation(state: State, event: EscalationOpened, sequence: number): void {
  const asked = state.escalating;
  state.escalating = null;
  forgetStale(state, event.at);
  if (asked === null || asked.decision_id !== event.decision_id) {
    return;
  }
  const { escalation_id, at: opened_at, expires_at, cost = null, estimate = null } = event;
  const escalation = { ...asked, escalation_id, sequence, opened_at, expires_at, cost, estimate };
  state.escalations.set(escalation_id, escalation);
  if (event.session_id !== null) {
    const of_session = state.session_escalations.get(event.session_id) ?? new Set();
    state.session_escalations.set(event.session_id, of_session.add(escalation_id));
  }
}

/** It waits no more; an approval waits to be used. */
function resolveEscalation(state: State, event: EscalationResolved): void {
  const { escalation_id, resolution, at: approved_at, reason, actor } = event;
  const escalation = state.escalations.get(escalation_id);
  forgetStale(state, event.at);
  if (escalation === undefined) {
    return;
  }
  state.escalations.delete(escalation_id);
  if (resolution === "approved") {
    state.approvals.set(escalation_id, {
      ...escalation,
      approved_at,
      approved_by: actor.key_id ?? "",
      reason,
    });
  } else {
    leaveSession(state, escalation);
  }
}

/** Whether a decision is what an approval is for; it is then used. */
export function useApproval(state: State, { decision, escalation_id }: EnforcementDecision): boolean {
  const approval = escalation_id === null ? undefined : state.approvals.get(escalation_id);
  if (approval === undefined || decision !== "allow") {
    return false;
  }
  forgetApproval(state, approval);
  return true;
}

/** What was approved in a session that has stopped is of no use any more. */
export function forgetApprovals(state: State, session_id: string): void {
  for (const escalation_id of state.session_escalations.get(session_id) ?? []) {
    const approval = state.approvals.get(escalation_id);
    if (approval !== undefined) {
      forgetApproval(state, approval);
    }
  }
}

/** Approvals lie in the order in which they were given, so those that nobody used in time are in front. */
function forgetStale(state: State, at: number): void {
  for (const approval of state.approvals.values()) {
    if (at < approval.approved_at + limits.approval_ms) {
      return;
    }
    forgetApproval(state, approval);
  }
}

function forgetApproval(state: State, approval: Escalation): void {
  state.approvals.delete(approval.escalation_id);
  leaveSession(state, approval);
}

function leaveSession(state: State, { session_id, escalation_id }: Escalation): void {
  const of_session = session_id === null ? undefined : state.session_escalations.get(session_id);
  of_session?.delete(escalation_id);
  if (of_session?.size === 0) {
    state.session_escalations.delete(session_id as string);
  }
}
