/** CredentialService: agents, the secrets that they run on, and taking both away. */
import { create } from "@bufbuild/protobuf";
import {
  type Agent as AgentMessage,
  AgentSchema,
  AgentStatus,
  type Credential as CredentialMessage,
  CredentialSchema,
  type CredentialService,
  type IssueCredentialRequest,
  IssueCredentialRequestSchema,
  type ListCredentialsRequest,
  type RegisterAgentRequest,
  type RevokeAgentRequest,
  RevokeAgentRequestSchema,
  type RevokeCredentialRequest,
  RevokeCredentialRequestSchema,
} from "../../gen/killcord/v1/credential_pb.js";
import type { AgentRevoked, CredentialRevoked } from "../core/event.js";
import type { Agent, Key } from "../core/state.js";
import { fromContent } from "../engine/content.js";
import { limits } from "../limits.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { keyStatus, numbered } from "./key-record.js";
import { cut, pageOf } from "./page.js";
import { newSecret, secretDigest } from "./principal.js";
import { declaredOf, profileOf } from "./profile.js";
import { given, timestamp } from "./view.js";

export function credentialService(context: Context): Handlers<typeof CredentialService> {
  return {
    registerAgent: (request, call) => registerAgent(context, request, call),
    listAgents: async (request) => {
      const page = pageOf(request, "agents", limits.agents_page_size_max, limits.agents_page_size_max);
      const agents = [...context.engine.projection.state.agents.values()].sort((a, b) =>
        a.agent_id < b.agent_id ? -1 : 1,
      );
      const isAfter = (agent: Agent, place: string) => agent.agent_id > place;
      const { rows, ...rest } = await cut(page, agents, isAfter, (agent) => agent.agent_id);
      return { agents: rows.map(agentView), ...rest };
    },
    getAgent: async ({ agentId }) => ({ agent: agentView(knownAgent(context, agentId)) }),
    revokeAgent: (request, call) => revokeAgent(context, request, call),
    issueCredential: (request, call) => issueCredential(context, request, call),
    listCredentials: (request) => listCredentials(context, request),
    revokeCredential: (request, call) => revokeCredential(context, request, call),
  };
}

async function registerAgent(context: Context, request: RegisterAgentRequest, call: Call) {
  const secret = newSecret("kc_");
  const { profile, decimals } = profileOf(request);
  const { reply } = await submit(
    context,
    call,
    {
      type: "register_agent",
      agent_id: request.name,
      framework: request.framework || "custom",
      profile,
      decimals,
      secret_digest: secretDigest(context.vault.pepper, secret),
      ...by(call),
    },
    "agent",
  );
  const agent = knownAgent(context, reply.agent_id);
  const credential = knownCredential(context, agent.credential_id ?? "");
  return {
    created: reply.created,
    agent: agentView(agent),
    credential: credentialView(context, credential, reply.created ? secret : null),
  };
}

async function issueCredential(context: Context, request: IssueCredentialRequest, call: Call) {
  const secret = newSecret("kc_");
  const kept = keep(IssueCredentialRequestSchema, request, "IssueCredential", [request.agentId]);
  const { reply } = await submit(
    context,
    call,
    {
      type: "issue_credential",
      agent_id: request.agentId,
      secret_digest: secretDigest(context.vault.pepper, secret),
      ttl_seconds: request.ttlSeconds === undefined ? null : Number(request.ttlSeconds),
      require_session: request.requireSession ?? true,
      repeat: kept.repeat,
      ...by(call),
    },
    "key",
    { request: kept.request },
  );
  const credential = knownCredential(context, reply.key_id);
  return { credential: credentialView(context, credential, reply.replayed ? null : secret) };
}

async function listCredentials(context: Context, request: ListCredentialsRequest) {
  const page = pageOf(request, JSON.stringify(["credentials", request.agentId]));
  const credentials = numbered(context).filter(
    ({ key }) =>
      key.kind === "credential" && (request.agentId === undefined || key.agent_id === request.agentId),
  );
  const { rows, ...rest } = await cut(
    page,
    credentials,
    (row, place) => row.number < Number(place),
    (row) => String(row.number),
  );
  return { credentials: rows.map(({ key }) => credentialView(context, key, null)), ...rest };
}

async function revokeCredential(context: Context, request: RevokeCredentialRequest, call: Call) {
  const ids = [request.credentialId];
  const kept = keep(RevokeCredentialRequestSchema, request, "RevokeCredential", ids);
  const { reply } = await submit(
    context,
    call,
    {
      type: "revoke_credential",
      credential_id: request.credentialId,
      reason: request.reason ?? "",
      repeat: kept.repeat,
      ...by(call),
    },
    "key",
    { request: kept.request },
  );
  const credential = knownCredential(context, reply.key_id);
  const { order } = await revocationOf(context, credential.revoked?.sequence ?? -1);
  return {
    credential: credentialView(context, credential, null),
    // One that went with its agent stopped nothing by itself.
    killedSessions: order.event === "credential_revoked" ? [...order.killed_sessions] : [],
    killedCount: BigInt(order.event === "credential_revoked" ? order.killed_count : 0),
  };
}

async function revokeAgent(context: Context, request: RevokeAgentRequest, call: Call) {
  const kept = keep(RevokeAgentRequestSchema, request, "RevokeAgent", [request.agentId]);
  const { reply } = await submit(
    context,
    call,
    {
      type: "revoke_agent",
      agent_id: request.agentId,
      reason: request.reason ?? "",
      repeat: kept.repeat,
      ...by(call),
    },
    "agent",
    { request: kept.request },
  );
  const agent = knownAgent(context, reply.agent_id);
  const { order, entry_id } = await revocationOf(context, agent.revoked?.sequence ?? -1);
  return {
    agent: agentView(agent),
    revokedCredentials: order.event === "agent_revoked" ? [...order.revoked_credentials] : [],
    killedSessions: [...order.killed_sessions],
    killedCount: BigInt(order.killed_count),
    revokedAt: timestamp(order.at),
    vaultEntryId: entry_id,
  };
}

/** The sealed order of a revocation: it lists what it stopped. */
async function revocationOf(
  { vault }: Context,
  sequence: number,
): Promise<{ readonly order: AgentRevoked | CredentialRevoked; readonly entry_id: string }> {
  const entry = await vault.entry(sequence);
  const event = entry === null ? null : fromContent(entry.content, entry.details, entry.sequence_number);
  if (entry === null || (event?.event !== "agent_revoked" && event?.event !== "credential_revoked")) {
    throw new Error(`entry ${sequence} is not the revocation that it was noted as`);
  }
  return { order: event, entry_id: entry.entry_id };
}

function knownAgent({ engine }: Context, agent_id: string): Agent {
  const agent = engine.projection.state.agents.get(agent_id);
  if (agent === undefined) {
    throw new KillcordError(
      "agent_not_found",
      `there is no agent ${JSON.stringify(agent_id.slice(0, 64))}, registered or seen`,
    );
  }
  return agent;
}

function knownCredential({ engine }: Context, credential_id: string): Key {
  const key = engine.projection.state.keys.get(credential_id);
  if (key?.kind !== "credential") {
    throw new KillcordError(
      "credential_not_found",
      `there is no credential ${JSON.stringify(credential_id)}`,
    );
  }
  return key;
}

function credentialView({ engine }: Context, key: Key, secret: string | null): CredentialMessage {
  return create(CredentialSchema, {
    credentialId: key.key_id,
    status: keyStatus(key, engine.clock.now()),
    createdAt: timestamp(key.created_at),
    requireSession: key.require_session,
    ...given("agentId", key.agent_id),
    ...given("expiresAt", key.expires_at === null ? null : timestamp(key.expires_at)),
    ...given("revokedAt", key.revoked === null ? null : timestamp(key.revoked.at)),
    ...given("revokeReason", key.revoked?.reason || null),
    ...given("secret", secret),
  });
}

function agentView(agent: Agent): AgentMessage {
  const { description, capabilities, declared } = declaredOf(agent);
  return create(AgentSchema, {
    agentId: agent.agent_id,
    name: agent.agent_id,
    framework: agent.framework,
    capabilities: [...capabilities],
    status: agent.revoked === null ? AgentStatus.ACTIVE : AgentStatus.REVOKED,
    isActive: agent.revoked === null,
    totalActions: BigInt(agent.total_actions),
    allowedActions: BigInt(agent.allowed_actions),
    blockedActions: BigInt(agent.blocked_actions),
    escalatedActions: BigInt(agent.escalated_actions),
    createdAt: timestamp(agent.first_seen_at),
    ...given("description", description),
    ...given("lastSeenAt", agent.last_seen_at === null ? null : timestamp(agent.last_seen_at)),
    ...given("declared", declared),
  });
}
