/**
 * Actions that wait for a person: what opens an escalation, who may answer it, and what an action
 * that names one gets of it. An approval is good for that very action, once, and for a while.
 */
import { limits } from "../limits.js";
import { keyOf, quoted } from "./access.js";
import type { Intercept } from "./command.js";
import type { ExpireEscalation, ResolveEscalation } from "./command-escalation.js";
import { answer, type Decision, Draft, type RefusalCode, refuse } from "./decision.js";
import { afterStop, unanswered } from "./escalation-over.js";
import type { Approval, Escalation } from "./escalation-parts.js";
import { endByTime } from "./lapse.js";
import { isUnderStop, pathFromRoot, revokedBy } from "./scope.js";
import { haltedText, haltOn, haltOnScope } from "./standing.js";
import type { Key, Session, State } from "./state.js";
import { builtIn, type Judgement } from "./verdict.js";

/** What of an approver's reason is repeated in the reasoning of the action. */
const reason_characters = 256;

/** What an action that names an escalation gets of it: its approval, or a block. */
export type Claim =
  | { readonly type: "granted"; readonly approval: Approval }
  | { readonly type: "refused"; readonly judgement: Judgement };

/**
 * Looks at the escalation that an action names. Null when it names none.
 *
 * @param agent_id the agent whose action it is
 */
export function claim(state: State, command: Intercept, agent_id: string | null): Claim | null {
  if (command.escalation === undefined) {
    return null;
  }
  const { escalation_id, same_action } = command.escalation;
  const approval = state.approvals.get(escalation_id);
  const escalation = approval ?? state.escalations.get(escalation_id);
  if (escalation === undefined || !isOf(state, escalation, command, agent_id)) {
    const why = `the escalation ${quoted(escalation_id)} is not open: it was rejected, used, expired, or is another's; ask again without escalation_id`;
    return refused("__escalation_not_open", "escalation not open", why, null);
  }
  if (
    same_action !== true ||
    escalation.agent_id !== agent_id ||
    escalation.action_type !== command.action_type ||
    !isSameCost(escalation, command)
  ) {
    const why = `${escalation_id} was asked for another action: repeat that one with the same agent, action_type, text, metadata and cost, or ask for this one without escalation_id`;
    return refused("__escalation_mismatch", "escalation of another action", why, escalation_id);
  }
  if (approval === undefined) {
    const why = `${escalation_id} waits for a person: watch it, and repeat the action when it is approved`;
    return refused("__escalation_pending", "escalation pending", why, escalation_id);
  }
  if (command.at >= usableUntil(approval)) {
    const why = `the approval of ${escalation_id} was good for ${limits.approval_ms / 60_000} minutes and was not used in time: ask again without escalation_id`;
    return refused("__escalation_not_open", "escalation not open", why, escalation_id);
  }
  return { type: "granted", approval };
}

function refused(policy_id: string, name: string, reasoning: string, escalation_id: string | null): Claim {
  const triggered = builtIn(policy_id, name, "block", reasoning);
  return {
    type: "refused",
    judgement: { decision: "block", path: "standard", reasoning, triggered, escalation_id },
  };
}

/** Whether it was asked for in the same session, or, without one, by the same caller for the same agent. */
function isOf(state: State, escalation: Escalation, command: Intercept, agent_id: string | null): boolean {
  if (escalation.session_id !== null || command.session_id !== null) {
    return escalation.session_id === command.session_id;
  }
  const line = keyOf(state, command)?.line ?? [];
  return escalation.agent_id === agent_id && line.includes(escalation.asked_by ?? "");
}

function isSameCost(escalation: Escalation, { cost, estimate }: Intercept): boolean {
  const same = (a: Escalation["cost"], b: Escalation["cost"]) =>
    a?.tokens === b?.tokens && a?.cost_usd_micros === b?.cost_usd_micros;
  return same(escalation.cost, cost) && same(escalation.estimate, estimate);
}

/** From when on an approval is good for nothing. */
export function usableUntil({ approved_at }: Approval): number {
  return approved_at + limits.approval_ms;
}

/**
 * What becomes of a judgement that asks for a person: an approval that the action brings satisfies it;
 * without one it stands, unless too many wait already.
 */
export function withPerson(
  state: State,
  judgement: Judgement,
  approval: Approval | null,
  session_id: string | null,
  agent_id: string | null,
): Judgement {
  if (approval !== null && (judgement.decision === "allow" || judgement.decision === "escalate")) {
    const { escalation_id } = approval;
    return { ...judgement, decision: "allow", reasoning: approvedText(approval), escalation_id };
  }
  if (judgement.decision !== "escalate") {
    return judgement;
  }
  const full = fullOf(state, session_id, agent_id);
  if (full === null) {
    return judgement;
  }
  const reasoning = `${full} for a person already: this one is blocked until some of them are answered`;
  const limit = builtIn("__escalation_limit", "too many escalations", "block", reasoning);
  return {
    ...judgement,
    decision: "block",
    path: "standard",
    reasoning,
    triggered: [...limit, ...judgement.triggered].slice(0, limits.policies_triggered),
  };
}

/** Whether a judgement allows an action because a person did. */
export function isApproved({ decision, escalation_id = null }: Judgement): boolean {
  return decision === "allow" && escalation_id !== null;
}

function approvedText({ escalation_id, approved_by, reason }: Approval): string {
  // The whole of it is sealed with the answer.
  const why = reason === null ? "" : `: ${reason.slice(0, reason_characters)}`;
  return `${escalation_id} was approved by ${approved_by}${why}`;
}

/** Which number of pending escalations leaves no room for one more, in words; null when there is room. */
function fullOf(state: State, session_id: string | null, agent_id: string | null): string | null {
  if (state.escalations.size >= limits.escalations_pending) {
    return `${limits.escalations_pending} actions of the workspace wait`;
  }
  let of_session = 0;
  let of_agent = 0;
  for (const pending of state.escalations.values()) {
    of_session += session_id !== null && pending.session_id === session_id ? 1 : 0;
    of_agent += pending.agent_id === agent_id ? 1 : 0;
  }
  if (of_session >= limits.escalations_pending_session) {
    return `${limits.escalations_pending_session} actions of the session wait`;
  }
  return of_agent >= limits.escalations_pending_agent
    ? `${limits.escalations_pending_agent} actions of the agent wait`
    : null;
}

/** Answers a pending escalation, once. */
export function resolveEscalation(state: State, command: ResolveEscalation): Decision {
  const { escalation_id, resolution, reason, actor } = command;
  const escalation = state.escalations.get(escalation_id);
  const draft = new Draft(state, command);
  if (escalation === undefined) {
    return refuse("escalation_already_resolved", `${quoted(escalation_id)} is resolved: that stands`);
  }
  const session = sessionOf(state, escalation);
  const refusal =
    refuseAsker(state, command, escalation, session) ??
    (command.at >= escalation.expires_at ? expire(draft, escalation) : null) ??
    (resolution === "approved" ? refuseStopped(state, draft, command, escalation, session) : null);
  if (refusal !== null) {
    return { reply: refusal.reply, events: draft.events };
  }
  const { session_id, decision_id } = escalation;
  const unseen = command.unseen && resolution === "approved" ? { unseen: true as const } : {};
  draft.add({
    event: "escalation_resolved",
    actor,
    session_id,
    escalation_id,
    decision_id,
    resolution,
    reason,
    ...unseen,
  });
  return { reply: answer({ type: "escalation", escalation_id }).reply, events: draft.events };
}

/** Undefined also where it stopped so long ago that it has left memory. */
function sessionOf(state: State, { session_id }: Escalation): Session | undefined {
  return session_id === null ? undefined : state.sessions.get(session_id);
}

/**
 * Nobody answers what they asked for themselves, or had asked for: no agent, and no key that runs one. An
 * admin may: they make the keys, so that refusing would only cost them another one.
 */
function refuseAsker(
  state: State,
  command: ResolveEscalation,
  escalation: Escalation,
  session: Session | undefined,
): Decision | null {
  const key = keyOf(state, command);
  if (key === null) {
    return refuse("insufficient_permissions", "a person answers an escalation, with a key");
  }
  if (key.kind === "credential" || key.agent_id !== null) {
    return refuse(
      "insufficient_permissions",
      "this key is an agent's: an escalation is answered with a key that is bound to none",
    );
  }
  return !key.roles.includes("admin") &&
    startedBy(state, escalation, session).some((key_id) => isOfLine(key, key_id))
    ? refuse(
        "insufficient_permissions",
        "this key started the session or asked for the action: another approver has to answer",
      )
    : null;
}

/** The keys by which the action, its session and those above it came to be. */
function startedBy(
  state: State,
  { asked_by }: Escalation,
  session: Session | undefined,
): readonly (string | null)[] {
  const path = session === undefined ? [] : pathFromRoot(state, session);
  return [asked_by, ...path.map(({ started_by }) => started_by)];
}

function isOfLine({ line }: Key, key_id: string | null): boolean {
  return key_id !== null && line.includes(key_id);
}

function expire(draft: Draft, escalation: Escalation): Decision {
  draft.add(unanswered(escalation));
  return refuse(
    "escalation_already_resolved",
    `${escalation.escalation_id} has expired: nobody answered in time`,
  );
}

/** Nothing is approved for what is stopped or held by an order: a verifier demands it. */
function refuseStopped(
  state: State,
  draft: Draft,
  command: ResolveEscalation,
  escalation: Escalation,
  session: Session | undefined,
): Decision | null {
  const { session_id, agent_id, asked_by } = escalation;
  const not_active = (why: string, code: RefusalCode = "session_not_active") =>
    refuse(code, `${why}: the action can be rejected, not approved`);
  if (session_id === null) {
    const halt =
      haltOnScope(state, "workspace", state.workspace_id) ??
      haltOnScope(state, "agent", agent_id) ??
      haltOnScope(state, "credential", asked_by);
    if (revokedBy(state, "agent", agent_id) !== null) {
      return not_active("the agent was revoked", "agent_suspended");
    }
    return halt === null ? null : not_active(haltedText(halt), "scope_halted");
  }
  if (
    session === undefined ||
    session.stop !== null ||
    isUnderStop(state, session) ||
    endByTime(state, draft, command, session) !== null
  ) {
    return not_active("the session has stopped");
  }
  const halt = haltOn(state, session);
  return halt === null ? null : not_active(haltedText(halt), "scope_halted");
}

/** The engine's timer: nobody has answered in time. */
export function expireEscalation(state: State, command: ExpireEscalation): Decision {
  const escalation = state.escalations.get(command.escalation_id);
  const draft = new Draft(state, command);
  if (escalation !== undefined && command.at >= escalation.expires_at) {
    draft.add(unanswered(escalation));
  }
  return { reply: { type: "done" }, events: draft.events };
}

/** Those whose session has stopped although a crash has cut off that nobody can answer them any more. */
export function finishEscalations(state: State, draft: Draft): void {
  for (const escalation of state.escalations.values()) {
    const session = sessionOf(state, escalation);
    if (escalation.session_id !== null && (session === undefined || session.stop !== null)) {
      draft.add(afterStop(escalation));
    }
  }
}
