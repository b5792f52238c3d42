/**
 * What an event does to the state. Total: no rules, no failure, so that a new rule never rewrites
 * history. Replay runs this alone.
 */

import { unspent } from "./budget.js";
import type { Event, Notice, SessionStarted } from "./event.js";
import type {
  HaltAcknowledged,
  HaltConfirmed,
  HaltLifted,
  HaltRequested,
  HaltUnconfirmed,
  SessionPaused,
  SessionResumed,
} from "./event-halt.js";
import { addCredential, addKey, agentNamed, registerAgent, revokeKey, updateAgent } from "./evolve-access.js";
import { noteWarning, raiseBudget, settleReservation } from "./evolve-budget.js";
import { evolveEscalation } from "./evolve-escalation.js";
import {
  exceedBudget,
  liftHalt,
  loseLease,
  orderHalt,
  revokeAgent,
  revokeCredential,
} from "./evolve-order.js";
import { changePolicy, countDecision, forgetSession, settleCounted } from "./evolve-policy.js";
import { evolveDecision, evolvePause, evolveResume, evolveStop } from "./evolve-session.js";
import { evolveHalt } from "./halt.js";
import { keepPrincipalRepeat, keepSessionRepeat } from "./repeat.js";
import type { Session, State } from "./state.js";

export function evolve(state: State, event: Event): void {
  const sequence = state.next_sequence;
  apply(state, event, sequence);
  countEntry(state, event, sequence);
  state.next_sequence = sequence + 1;
  state.at = event.at;
}

function apply(state: State, event: Event, sequence: number): void {
  switch (event.event) {
    case "vault_opened":
      state.workspace_id = event.workspace_id;
      return;
    case "session_started":
      startSession(state, event, sequence);
      keepPrincipalRepeat(state, event, sequence, event.session_id);
      return;
    case "enforcement_decision":
      countDecision(state, event, sequence, evolveDecision(state, event, sequence));
      if (event.session_id === null) {
        keepPrincipalRepeat(state, event, sequence, "");
      } else {
        keepSessionRepeat(state, event, sequence, event.session_id);
      }
      return;
    case "budget_exceeded":
      exceedBudget(state, event, sequence);
      return;
    case "budget_raised":
      raiseBudget(state, event, sequence);
      return;
    case "reservation_settled":
      settleReservation(state, event);
      settleCounted(state, event);
      return;
    case "lease_lost":
      loseLease(state, event, sequence);
      return;
    case "session_killed":
    case "session_expired":
    case "session_ended":
      evolveStop(state, event, sequence);
      forgetSession(state, event.session_id);
      return;
    case "halt_requested":
    case "halt_lifted":
    case "halt_acknowledged":
    case "halt_confirmed":
    case "halt_unconfirmed":
    case "session_paused":
    case "session_resumed":
      applyHalt(state, event, sequence);
      return;
    case "agent_registered":
    case "agent_revoked":
    case "credential_issued":
    case "credential_revoked":
    case "api_key_created":
    case "api_key_revoked":
      applyAccess(state, event, sequence);
      return;
    case "policy_changed":
      changePolicy(state, event, sequence);
      keepPrincipalRepeat(state, event, sequence, event.policy_id);
      return;
    case "escalation_opened":
    case "escalation_resolved":
      evolveEscalation(state, event, sequence);
      return;
    case "notice":
      applyNotice(state, event);
      return;
    case "drill_started":
    case "drill_ended":
    case "heartbeat":
      return;
  }
}

function applyNotice(state: State, event: Notice): void {
  if (event.kind === "agent_updated") {
    updateAgent(state, event);
  } else if (event.kind === "soft_limit") {
    noteWarning(state, event);
  }
}

type AccessEvent = Extract<
  Event,
  {
    event:
      | "agent_registered"
      | "agent_revoked"
      | "credential_issued"
      | "credential_revoked"
      | "api_key_created"
      | "api_key_revoked";
  }
>;

function applyAccess(state: State, event: AccessEvent, sequence: number): void {
  switch (event.event) {
    case "agent_registered":
      registerAgent(state, event);
      return;
    case "agent_revoked":
      revokeAgent(state, event, sequence);
      keepPrincipalRepeat(state, event, sequence, event.agent_id);
      return;
    case "credential_issued":
      addCredential(state, event);
      keepPrincipalRepeat(state, event, sequence, event.credential_id);
      return;
    case "credential_revoked":
      revokeCredential(state, event, sequence);
      keepPrincipalRepeat(state, event, sequence, event.credential_id);
      return;
    case "api_key_created":
      addKey(state, event);
      keepPrincipalRepeat(state, event, sequence, event.key_id);
      return;
    case "api_key_revoked":
      revokeKey(state, event.key_id, { at: event.at, reason: event.reason, sequence });
  }
}

function applyHalt(
  state: State,
  event:
    | HaltRequested
    | HaltLifted
    | HaltAcknowledged
    | HaltConfirmed
    | HaltUnconfirmed
    | SessionPaused
    | SessionResumed,
  sequence: number,
): void {
  switch (event.event) {
    case "halt_requested":
      orderHalt(state, event, sequence);
      keepPrincipalRepeat(state, event, sequence, event.scope.id);
      return;
    case "halt_lifted":
      liftHalt(state, event, sequence);
      return;
    case "halt_acknowledged":
    case "halt_confirmed":
    case "halt_unconfirmed":
      evolveHalt(state, event);
      return;
    case "session_paused":
      evolvePause(state, event, sequence);
      return;
    case "session_resumed":
      evolveResume(state, event, sequence);
  }
}

/** Each entry of a session takes the session's next index. */
function countEntry(state: State, event: Event, sequence: number): void {
  if (!("session_id" in event) || event.session_id === null) {
    return;
  }
  const session = state.sessions.get(event.session_id);
  if (session !== undefined) {
    session.next_session_index = (event.session_index as number) + 1;
    session.last_sequence = sequence;
  }
}

function startSession(state: State, event: SessionStarted, sequence: number): void {
  const parent = event.parent_session_id === null ? undefined : state.sessions.get(event.parent_session_id);
  const session: Session = {
    session_id: event.session_id,
    agent_id: event.agent_id,
    credential_id: event.credential_id,
    parent_session_id: event.parent_session_id,
    label: event.labels[0] ?? null,
    ttl_seconds: event.budgets.ttl_seconds,
    idle_timeout_seconds: event.budgets.idle_timeout_seconds,
    lease_seconds: event.lease_seconds,
    on_lease_lost: event.on_lease_lost,
    drill_id: event.drill_id,
    started_at: event.at,
    started_by: event.actor.key_id,
    start_sequence: sequence,
    level: parent === undefined ? 0 : parent.level + 1,
    next_session_index: 0,
    last_sequence: sequence,
    status: "active",
    turn_sequence: sequence,
    actions: unspent(event.budgets.max_actions),
    tokens: unspent(event.budgets.max_tokens),
    cost_usd_micros: unspent(event.budgets.max_cost_usd_micros),
    on_exceeded: event.on_exceeded,
    max_depth: event.budgets.max_depth ?? null,
    max_concurrent: event.budgets.max_concurrent ?? null,
    open_reservations: 0,
    warn_at_percent: event.budgets.warn_at_percent ?? [],
    warned_percent: { actions: 0, tokens: 0, cost_usd_micros: 0 },
    last_action_at: null,
    held_ms: 0,
    pause: null,
    pause_owed: null,
    stop: null,
    halt: null,
    terminates: 0,
    last_terminate_sequence: null,
  };
  state.sessions.set(session.session_id, session);
  state.live_sessions += 1;
  if (session.parent_session_id !== null) {
    const siblings = state.children.get(session.parent_session_id);
    if (siblings === undefined) {
      state.children.set(session.parent_session_id, new Set([session.session_id]));
    } else {
      siblings.add(session.session_id);
    }
  }
  if (event.agent_id !== null) {
    const agent = agentNamed(state, event.agent_id, event.at);
    agent.last_seen_at = event.at;
    agent.live_sessions.add(session.session_id);
  }
}
