/** What decisions and stops do to sessions; and how stopped sessions leave memory. */
import type { EnforcementDecision, SessionEnded, SessionExpired, SessionKilled } from "./event.js";
import type { SessionPaused, SessionResumed } from "./event-halt.js";
import { chargePath } from "./evolve-budget.js";
import { evolveEscalate, forgetApprovals, useApproval } from "./evolve-escalation.js";
import { pathFromRoot } from "./scope.js";
import type { SessionStop } from "./session-parts.js";
import type { Session, State } from "./state.js";
import { expiryReason } from "./stop.js";
import { halted_policy, revoked_policy } from "./verdict.js";

/** @returns whether it consumed an action, of its session where it has one */
export function evolveDecision(state: State, event: EnforcementDecision, sequence: number): boolean {
  state.decisions += 1;
  countForAgent(state, event);
  if (event.decision === "escalate") {
    evolveEscalate(state, event);
  }
  // What was approved was counted when it was asked for.
  const counts = useApproval(state, event) ? 0 : 1;
  if (event.decision === "terminate") {
    state.terminations += 1;
  }
  const session = event.session_id === null ? undefined : state.sessions.get(event.session_id);
  if (session === undefined) {
    return event.session_id === null && counts > 0 && !isStanding(event);
  }
  if (event.decision === "terminate") {
    session.terminates += 1;
    session.last_terminate_sequence = sequence;
    return false;
  }
  const path = pathFromRoot(state, session);
  if (state.paused_sessions > 0 && path.some(({ pause }) => pause !== null)) {
    // What a pause answers consumes nothing.
    return false;
  }
  for (const ancestor of path) {
    ancestor.actions.spent += counts;
    ancestor.last_action_at = event.at;
    ancestor.held_ms = 0;
  }
  if (event.charge !== null || event.reservation !== null) {
    chargePath(state, path, event, sequence);
  }
  return counts > 0;
}

/** Whether an action without a session was answered by an order in force, as a stop answers one with it. */
function isStanding({ policies_triggered }: EnforcementDecision): boolean {
  const [first] = policies_triggered;
  return first?.policy_id === halted_policy || first?.policy_id === revoked_policy;
}

function countForAgent(state: State, event: EnforcementDecision): void {
  const agent = event.agent_id === null ? undefined : state.agents.get(event.agent_id);
  if (agent === undefined || !speaksForAgent(state, event)) {
    return;
  }
  agent.last_seen_at = event.at;
  agent.total_actions += 1;
  switch (event.decision) {
    case "allow":
      agent.allowed_actions += 1;
      return;
    case "block":
    case "terminate":
      agent.blocked_actions += 1;
      return;
    case "escalate":
      agent.escalated_actions += 1;
      return;
  }
}

/**
 * Whether an action is one of the agent that it names. In a session of the agent it is. Where only the
 * request names it, a key that calls as agent and is bound to none could fill the figures of an agent
 * that somebody else has registered: that is sealed as said, and not counted.
 */
export function speaksForAgent(
  state: State,
  { actor, session_id, agent_id }: Pick<EnforcementDecision, "actor" | "session_id" | "agent_id">,
): boolean {
  const agent = agent_id === null ? undefined : state.agents.get(agent_id);
  const session = session_id === null ? undefined : state.sessions.get(session_id);
  if (agent?.registered !== true || actor.role !== "agent" || session?.agent_id === agent_id) {
    return true;
  }
  return actor.key_id !== null && state.keys.get(actor.key_id)?.agent_id === agent_id;
}

export function evolvePause(state: State, event: SessionPaused, sequence: number): void {
  const session = state.sessions.get(event.session_id);
  if (session === undefined || session.status !== "active") {
    return;
  }
  const { at, reason, halt_id, cause } = event;
  const exceeded = cause?.event === "budget_exceeded" ? (session.pause_owed?.exceeded ?? null) : null;
  const from_above = cause?.event === "halt_requested" || cause?.event === "session_paused";
  session.pause = { sequence, at, reason, halt_id, cause, until_resumed: !from_above, exceeded };
  session.pause_owed = null;
  session.status = "paused";
  session.turn_sequence = sequence;
  session.halt = null;
  state.paused_sessions += 1;
}

export function evolveResume(state: State, event: SessionResumed, sequence: number): void {
  const session = state.sessions.get(event.session_id);
  if (session === undefined) {
    return;
  }
  leavePause(state, session, event.at);
  session.status = "active";
  session.turn_sequence = sequence;
  if (event.cause === null) {
    state.last_release = { cause: { event: event.event, sequence }, reason: event.reason };
  }
}

/** The session is held no more, whatever it becomes. */
function leavePause(state: State, session: Session, at: number): void {
  if (session.pause !== null) {
    session.held_ms += at - session.pause.at;
    session.pause = null;
    session.halt = null;
    state.paused_sessions -= 1;
  }
}

export function evolveStop(
  state: State,
  event: SessionKilled | SessionExpired | SessionEnded,
  sequence: number,
): void {
  const session = state.sessions.get(event.session_id);
  if (session === undefined || session.stop !== null) {
    return;
  }
  leavePause(state, session, event.at);
  session.stop = stopOf(session, event, sequence);
  session.turn_sequence = sequence;
  session.status =
    event.event === "session_killed" ? "killed" : event.event === "session_expired" ? "expired" : "ended";
  state.live_sessions -= 1;
  if (session.open_reservations === 0) {
    state.stopped.add(session.session_id);
  }
  if (session.stop.halt_id !== null) {
    state.unsettled.set(session.session_id, event.at);
  }
  state.session_repeats.delete(session.session_id);
  forgetApprovals(state, session.session_id);
  if (session.agent_id !== null) {
    state.agents.get(session.agent_id)?.live_sessions.delete(session.session_id);
  }
  leaveParent(state, session);
  forgetOrder(state, session);
}

function stopOf(
  session: Session,
  event: SessionKilled | SessionExpired | SessionEnded,
  sequence: number,
): SessionStop {
  const common = { event: event.event, sequence, at: event.at };
  switch (event.event) {
    case "session_killed":
      return { ...common, stop_reason: event.stop_reason, reason: event.reason, halt_id: event.halt_id };
    case "session_expired":
      return {
        ...common,
        stop_reason: event.stop_reason,
        reason: expiryReason(session, event.stop_reason),
        halt_id: event.halt_id,
      };
    case "session_ended":
      return { ...common, stop_reason: null, reason: event.reason, halt_id: null };
  }
}

function leaveParent(state: State, session: Session): void {
  const parent_id = session.parent_session_id;
  const siblings = parent_id === null ? undefined : state.children.get(parent_id);
  if (parent_id === null || siblings === undefined) {
    return;
  }
  // A session whose sub-sessions still run is kept as their way to the root.
  if (!state.children.has(session.session_id)) {
    siblings.delete(session.session_id);
  }
  if (siblings.size === 0) {
    state.children.delete(parent_id);
    const parent = state.sessions.get(parent_id);
    if (parent !== undefined && parent.stop !== null) {
      leaveParent(state, parent);
      forgetOrder(state, parent);
    }
  }
}

/** An order against one session is over once nothing live is left at or below it. */
function forgetOrder(state: State, session: Session): void {
  if (!state.children.has(session.session_id)) {
    for (const halt_id of state.scopes.session.get(session.session_id)?.halts ?? []) {
      state.halts.delete(halt_id);
    }
    state.scopes.session.delete(session.session_id);
  }
}

/**
 * Stopped sessions that may leave memory, the first that stopped first: those whose entries are all
 * sealed and under which no live session stands.
 *
 * @param sealed number of entries that are durable
 */
export function* oldestStopped(state: State, sealed: number): Generator<string, void, undefined> {
  for (const session_id of state.stopped) {
    const session = state.sessions.get(session_id);
    if (session !== undefined && session.last_sequence < sealed && !state.children.has(session_id)) {
      yield session_id;
    }
  }
}

/** Takes a stopped session out of memory. */
export function forgetStopped(state: State, session_id: string): void {
  state.sessions.delete(session_id);
  state.stopped.delete(session_id);
}

/**
 * Takes stopped sessions out of the state of a log that is only read, the first that stopped first, until
 * so many are left.
 *
 * @returns what was taken out
 */
export function forgetBeyond(state: State, stopped_max: number): readonly string[] {
  const forgotten: string[] = [];
  for (const session_id of oldestStopped(state, state.next_sequence)) {
    if (state.stopped.size <= stopped_max) {
      break;
    }
    forgetStopped(state, session_id);
    forgotten.push(session_id);
  }
  return forgotten;
}

/** Brings a stopped session back into memory, as it left it. */
export function readmitStopped(state: State, session: Session): void {
  if (!state.sessions.has(session.session_id)) {
    state.sessions.set(session.session_id, session);
    state.stopped.add(session.session_id);
  }
}
