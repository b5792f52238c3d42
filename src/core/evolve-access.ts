/** What becomes of agents, and of the keys and credentials that they run on. */
import type { AgentRegistered, ApiKeyCreated, CredentialIssued, Notice } from "./event.js";
import type { Agent, Key, Revocation, State } from "./state.js";

type AgentUpdated = Extract<Notice, { kind: "agent_updated" }>;

export function agentNamed(state: State, agent_id: string, at: number): Agent {
  const known = state.agents.get(agent_id);
  if (known !== undefined) {
    return known;
  }
  const agent: Agent = {
    agent_id,
    registered: false,
    framework: "custom",
    profile: {},
    decimals: [],
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

export function registerAgent(state: State, event: AgentRegistered): void {
  const agent = agentNamed(state, event.agent_id, event.at);
  agent.registered = true;
  agent.framework = event.framework;
  agent.profile = event.profile;
  agent.decimals = event._decimals ?? [];
  // The credential that comes with it is the agent's own, whatever was issued before to a mere name.
  agent.credential_id = null;
}

export function updateAgent(state: State, event: AgentUpdated): void {
  const agent = state.agents.get(event.body.agent_id);
  if (agent !== undefined) {
    agent.framework = event.body.framework;
    agent.profile = event.body.profile;
    // The notice holds the profile one level down.
    agent.decimals = (event._decimals ?? []).map((pointer) => pointer.slice("/body".length));
  }
}

export function addCredential(state: State, event: CredentialIssued): void {
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

export function addKey(state: State, event: ApiKeyCreated): void {
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

export function revokeKey(state: State, key_id: string, revocation: Revocation): void {
  const key = state.keys.get(key_id);
  if (key !== undefined) {
    key.revoked ??= revocation;
  }
}
