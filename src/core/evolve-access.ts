/** What becomes of agents, and of the keys and credentials that they run on. */
import type { AgentRegistered, ApiKeyCreated, CredentialIssued, Notice } from "./event.js";
import type { Replacement } from "./replacement.js";
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
  if (agent.credential_id === event.replaces) {
    agent.credential_id = event.credential_id;
  }
  agent.credential_ids.push(event.credential_id);
  keep(state, event, {
    key_id: event.credential_id,
    kind: "credential",
    name: event.agent_id,
    roles: ["agent"],
    agent_id: event.agent_id,
    secret_digest: event.secret_digest,
    created_at: event.at,
    expires_at: event.expires_at,
    require_session: event.require_session ?? true,
  });
}

export function addKey(state: State, event: ApiKeyCreated): void {
  keep(state, event, {
    key_id: event.key_id,
    kind: "key",
    name: event.name,
    roles: event.granted_roles ?? [event.granted_role],
    agent_id: event.agent_id,
    secret_digest: event.secret_digest,
    created_at: event.at,
    expires_at: event.expires_at,
    require_session: false,
  });
}

/** Keeps a new key, which may replace one: that one's end is then where their overlap ends. */
function keep(
  state: State,
  { replaces, overlap_ends_at }: Replacement,
  made: Omit<Key, "line" | "replaced_by" | "revoked">,
): void {
  const replaced = replaces === undefined ? undefined : state.keys.get(replaces);
  const key: Key = { ...made, revoked: null, line: replaced?.line ?? [], replaced_by: null };
  key.line.push(key.key_id);
  if (replaced !== undefined) {
    replaced.expires_at = overlap_ends_at ?? replaced.expires_at;
    replaced.replaced_by = key.key_id;
  }
  state.keys.set(key.key_id, key);
  state.keys_by_digest.set(key.secret_digest, key.key_id);
}

export function revokeKey(state: State, key_id: string, revocation: Revocation): void {
  const key = state.keys.get(key_id);
  if (key !== undefined) {
    key.revoked ??= revocation;
  }
}
