/** Agents, their credentials, and API keys: making them and revoking them. */
import { limits } from "../limits.js";
import { quoted } from "./access.js";
import type {
  CreateKey,
  IssueCredential,
  RegisterAgent,
  RevokeAgent,
  RevokeCredential,
  RevokeKey,
} from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import { idAt } from "./ids.js";
import { refuseLastAdmin } from "./last-admin.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import { revocationOrder, withDescendants } from "./scope.js";
import { sortedText } from "./sorted-text.js";
import type { Agent, Session, State, StopOrder } from "./state.js";
import { killByOrder } from "./stop.js";

export function registerAgent(state: State, command: RegisterAgent): Decision {
  const known = state.agents.get(command.agent_id);
  if (known?.revoked) {
    return refuse(
      "agent_suspended",
      `the agent ${quoted(command.agent_id)} was revoked: register another name`,
    );
  }
  const draft = new Draft(state, command);
  const declared = {
    agent_id: command.agent_id,
    framework: command.framework,
    profile: command.profile,
  };
  if (known?.registered) {
    if (!sameDeclaration(known, command)) {
      draft.add({
        event: "notice",
        actor: command.actor,
        session_id: null,
        kind: "agent_updated",
        body: declared,
        ...decimalsOf(command, "/body"),
      });
    }
    return { reply: { type: "agent", agent_id: command.agent_id, created: false }, events: draft.events };
  }
  if ((known === undefined && state.agents.size >= limits.agents) || state.keys.size >= limits.keys) {
    return refuse("limit_reached", "the workspace holds no more agents or credentials");
  }
  draft.add({
    event: "agent_registered",
    actor: command.actor,
    ...declared,
    name: command.agent_id,
    ...decimalsOf(command, ""),
  });
  draft.add({
    event: "credential_issued",
    actor: command.actor,
    credential_id: idAt("cred", draft.next_sequence),
    agent_id: command.agent_id,
    parent_credential_id: null,
    secret_digest: command.secret_digest,
    expires_at: null,
    require_session: true,
  });
  return { reply: { type: "agent", agent_id: command.agent_id, created: true }, events: draft.events };
}

/** Pointers start at the content, wherever in it the profile stands. */
function decimalsOf(command: RegisterAgent, parent: string): { _decimals?: readonly string[] } {
  return command.decimals.length === 0
    ? {}
    : { _decimals: command.decimals.map((pointer) => parent + pointer) };
}

/** Both profiles are canonical values built in one order, so their texts compare. */
function sameDeclaration(known: Agent, command: RegisterAgent): boolean {
  return known.framework === command.framework && sortedText(known.profile) === sortedText(command.profile);
}

export function issueCredential(state: State, command: IssueCredential): Decision {
  const agent = state.agents.get(command.agent_id);
  if (agent === undefined) {
    return refuse("agent_not_found", `there is no agent ${quoted(command.agent_id)}: register it first`);
  }
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? answer({ type: "key", key_id: kept.subject_id, replayed: true });
  }
  if (agent.revoked !== null) {
    return refuse(
      "agent_suspended",
      `the agent ${quoted(command.agent_id)} was revoked: it gets no credentials`,
    );
  }
  if (state.keys.size >= limits.keys) {
    return refuse("limit_reached", "the workspace holds no more credentials");
  }
  const draft = new Draft(state, command);
  const credential_id = idAt("cred", draft.next_sequence);
  draft.add(
    {
      event: "credential_issued",
      actor: command.actor,
      credential_id,
      agent_id: command.agent_id,
      parent_credential_id: null,
      secret_digest: command.secret_digest,
      expires_at: command.ttl_seconds === null ? null : command.at + command.ttl_seconds * 1000,
      require_session: command.require_session,
    },
    command.repeat,
  );
  return { reply: { type: "key", key_id: credential_id, replayed: false }, events: draft.events };
}

/** Revokes a credential; every live session of it and of its agent stops in the same decision. */
export function revokeCredential(state: State, command: RevokeCredential): Decision {
  const credential = state.keys.get(command.credential_id);
  if (credential?.kind !== "credential") {
    return refuse("credential_not_found", `there is no credential ${quoted(command.credential_id)}`);
  }
  const repeat = keptRepeat(state, command) === null ? null : refuseOtherRequest(command);
  if (repeat !== null) {
    return repeat;
  }
  if (credential.revoked !== null) {
    return answer({ type: "key", key_id: credential.key_id, replayed: keptRepeat(state, command) !== null });
  }
  const draft = new Draft(state, command);
  const sessions = sessionsOf(state, credential.agent_id);
  const sequence = draft.add(
    {
      event: "credential_revoked",
      actor: command.actor,
      credential_id: credential.key_id,
      agent_id: credential.agent_id,
      cascade: "agent",
      reason: command.reason,
      killed_count: sessions.length,
      killed_sessions: listed(sessions),
    },
    command.repeat,
  );
  killAll(draft, command, sessions, revocationOrder("credential_revoked", sequence, command.reason));
  return { reply: { type: "key", key_id: credential.key_id, replayed: false }, events: draft.events };
}

/** Puts an agent out for good, with its credentials and its live sessions. */
export function revokeAgent(state: State, command: RevokeAgent): Decision {
  const agent = state.agents.get(command.agent_id);
  if (agent === undefined) {
    return refuse("agent_not_found", `there is no agent ${quoted(command.agent_id)}, registered or seen`);
  }
  const kept = keptRepeat(state, command);
  const mismatch = kept === null ? null : refuseOtherRequest(command);
  if (mismatch !== null) {
    return mismatch;
  }
  if (agent.revoked !== null) {
    return answer({ type: "agent", agent_id: agent.agent_id, created: false });
  }
  const draft = new Draft(state, command);
  const sessions = sessionsOf(state, agent.agent_id);
  const credentials = agent.credential_ids.filter((id) => state.keys.get(id)?.revoked === null).sort();
  const sequence = draft.add(
    {
      event: "agent_revoked",
      actor: command.actor,
      agent_id: agent.agent_id,
      reason: command.reason,
      revoked_credentials: credentials.slice(0, limits.revoked_credentials_listed),
      killed_count: sessions.length,
      killed_sessions: listed(sessions),
    },
    command.repeat,
  );
  killAll(draft, command, sessions, revocationOrder("agent_revoked", sequence, command.reason));
  return { reply: { type: "agent", agent_id: agent.agent_id, created: false }, events: draft.events };
}

/** Live sessions whose path holds the agent: its own, and whatever they opened. */
function sessionsOf(state: State, agent_id: string | null): readonly Session[] {
  const agent = agent_id === null ? undefined : state.agents.get(agent_id);
  return withDescendants(state, agent?.live_sessions ?? []);
}

function listed(sessions: readonly Session[]): readonly string[] {
  const ids = sessions.map((session) => session.session_id).sort();
  return ids.slice(0, limits.killed_sessions_listed);
}

function killAll(
  draft: Draft,
  command: RevokeCredential | RevokeAgent,
  sessions: readonly Session[],
  order: StopOrder,
): void {
  for (const session of sessions) {
    killByOrder(draft, session, order, command.actor);
  }
}

export function createKey(state: State, command: CreateKey): Decision {
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? answer({ type: "key", key_id: kept.subject_id, replayed: true });
  }
  if (state.keys.size >= limits.keys) {
    return refuse("limit_reached", "the workspace holds no more keys");
  }
  const draft = new Draft(state, command);
  const key_id = idAt("key", draft.next_sequence);
  draft.add(
    {
      event: "api_key_created",
      actor: command.actor,
      key_id,
      name: command.name,
      granted_role: command.roles[0] ?? "agent",
      granted_roles: command.roles,
      agent_id: command.agent_id,
      secret_digest: command.secret_digest,
      expires_at: command.ttl_seconds === null ? null : command.at + command.ttl_seconds * 1000,
    },
    command.repeat,
  );
  return { reply: { type: "key", key_id, replayed: false }, events: draft.events };
}

export function revokeKey(state: State, command: RevokeKey): Decision {
  const key = state.keys.get(command.key_id);
  if (key?.kind !== "key") {
    return refuse("key_not_found", `there is no API key ${quoted(command.key_id)}`);
  }
  const refusal = refuseLastAdmin(state, key, command.at, command.at);
  if (refusal !== null) {
    return refusal;
  }
  const draft = new Draft(state, command);
  if (key.revoked === null) {
    draft.add({ event: "api_key_revoked", actor: command.actor, key_id: key.key_id, reason: command.reason });
  }
  return { reply: { type: "key", key_id: key.key_id, replayed: false }, events: draft.events };
}
