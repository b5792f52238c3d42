/**
 * What an event does to the state. Total: no rules, no failure, so that a new rule never rewrites
 * history. Replay runs this alone.
 */
import { exceededReason } from "./budget.js";
import type { Event, SessionStarted } from "./event.js";
import { evolveDecision, evolveStop } from "./evolve-session.js";
import { keepPrincipalRepeat, keepSessionRepeat } from "./repeat.js";
import { scopeKey } from "./scope.js";
import type { Agent, Key, Revocation, Session, State, StopOrder } from "./state.js";

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
      evolveDecision(state, event, sequence);
      if (event.session_id === null) {
        keepPrincipalRepeat(state, event, sequence, "");
      } else {
        keepSessionRepeat(state, event, sequence, event.session_id);
      }
      return;
    case "budget_exceeded":
      orderStop(state, scopeKey("session", event.owner_session_id), "halted", {
        event: event.event,
        sequence,
        reason: exceededReason(event.limit),
        halt_id: null,
        session_id: event.owner_session_id,
      });
      return;
    case "session_killed":
    case "session_expired":
    case "session_ended":
      evolveStop(state, event, sequence);
      return;
    case "halt_requested":
      orderStop(state, scopeKey("session", event.scope.id), "halted", {
        event: event.event,
        sequence,
        reason: event.reason,
        halt_id: event.halt_id,
        session_id: event.scope.id,
      });
      keepPrincipalRepeat(state, event, sequence, event.scope.id);
      return;
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
      return;
    case "notice":
      if (event.kind === "agent_updated") {
        updateAgent(state, event.body);
      }
      return;
    case "heartbeat":
      return;
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
    max_actions: event.budgets.max_actions,
    ttl_seconds: event.budgets.ttl_seconds,
    idle_timeout_seconds: event.budgets.idle_timeout_seconds,
    started_at: event.at,
    started_by: event.actor.key_id,
    start_sequence: sequence,
    level: parent === undefined ? 0 : parent.level + 1,
    next_session_index: 0,
    last_sequence: sequence,
    status: "active",
    actions: { limit: event.budgets.max_actions, spent: 0, reserved: 0, overrun: 0 },
    last_action_at: null,
    stop: null,
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

function agentNamed(state: State, agent_id: string, at: number): Agent {
  const known = state.agents.get(agent_id);
  if (known !== undefined) {
    return known;
  }
  const agent: Agent = {
    agent_id,
    registered: false,
    framework: "custom",
    profile: {},
    first_seen_at: at,
    last_seen_at: null,
    credential_id: null,
    credential_ids: [],
    total_actions: 0,
    allowed_actions: 0,
    blocked_actions: 0,
    escalated_actions: 0,
    revoked: null,
    live_sessions: new Set(),
  };
  state.agents.set(agent_id, agent);
  return agent;
}

function registerAgent(state: State, event: Extract<Event, { event: "agent_registered" }>): void {
  const agent = agentNamed(state, event.agent_id, event.at);
  agent.registered = true;
  agent.framework = event.framework;
  agent.profile = event.profile;
}

function updateAgent(
  state: State,
  body: { agent_id: string; framework: string; profile: Agent["profile"] },
): void {
  const agent = state.agents.get(body.agent_id);
  if (agent !== undefined) {
    agent.framework = body.framework;
    agent.profile = body.profile;
  }
}

function addCredential(state: State, event: Extract<Event, { event: "credential_issued" }>): void {
  const agent = agentNamed(state, event.agent_id, event.at);
  agent.credential_id ??= event.credential_id;
  agent.credential_ids.push(event.credential_id);
  keep(state, {
    key_id: event.credential_id,
    kind: "credential",
    name: event.agent_id,
    roles: ["agent"],
    agent_id: event.agent_id,
    secret_digest: event.secret_digest,
    created_at: event.at,
    expires_at: event.expires_at,
    require_session: event.require_session ?? true,
    revoked: null,
  });
}

function addKey(state: State, event: Extract<Event, { event: "api_key_created" }>): void {
  keep(state, {
    key_id: event.key_id,
    kind: "key",
    name: event.name,
    roles: event.granted_roles ?? [event.granted_role],
    agent_id: event.agent_id,
    secret_digest: event.secret_digest,
    created_at: event.at,
    expires_at: event.expires_at,
    require_session: false,
    revoked: null,
  });
}

function keep(state: State, key: Key): void {
  state.keys.set(key.key_id, key);
  state.keys_by_digest.set(key.secret_digest, key.key_id);
}

function revokeKey(state: State, key_id: string, revocation: Revocation): void {
  const key = state.keys.get(key_id);
  if (key !== undefined) {
    key.revoked ??= revocation;
  }
}

function revokeCredential(
  state: State,
  event: Extract<Event, { event: "credential_revoked" }>,
  sequence: number,
): void {
  revokeKey(state, event.credential_id, { at: event.at, reason: event.reason, sequence });
  const order: StopOrder = {
    event: event.event,
    sequence,
    reason: event.reason || "credential revoked",
    halt_id: null,
    session_id: null,
  };
  orderStop(state, scopeKey("credential", event.credential_id), "revoked", order);
  if (event.agent_id !== null) {
    // Its live sessions stop; what the agent starts later on another credential may run.
    orderStop(state, scopeKey("agent", event.agent_id), "active", order);
  }
}

function revokeAgent(
  state: State,
  event: Extract<Event, { event: "agent_revoked" }>,
  sequence: number,
): void {
  const revocation = { at: event.at, reason: event.reason, sequence };
  const agent = agentNamed(state, event.agent_id, event.at);
  agent.revoked ??= revocation;
  const order: StopOrder = {
    event: event.event,
    sequence,
    reason: event.reason || "agent revoked",
    halt_id: null,
    session_id: null,
  };
  for (const credential_id of agent.credential_ids) {
    revokeKey(state, credential_id, revocation);
    if (!state.scopes.has(scopeKey("credential", credential_id))) {
      orderStop(state, scopeKey("credential", credential_id), "revoked", order);
    }
  }
  orderStop(state, scopeKey("agent", event.agent_id), "revoked", order);
}

function orderStop(
  state: State,
  key: string,
  standing: "halted" | "revoked" | "active",
  order: StopOrder,
): void {
  const before = state.scopes.get(key);
  // Revoked is for good: a later order on the same scope does not open it again.
  state.scopes.set(key, {
    standing: before?.standing === "revoked" ? "revoked" : standing,
    stopped_through: order.sequence,
    stop: order,
  });
}
