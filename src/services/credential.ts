/** CredentialService: agents, the secrets that they run on, and taking both away. */
import {
  type CredentialService,
  type IssueCredentialRequest,
  IssueCredentialRequestSchema,
  type ListCredentialsRequest,
  type RevokeAgentRequest,
  RevokeAgentRequestSchema,
  type RevokeCredentialRequest,
  RevokeCredentialRequestSchema,
  type RotateCredentialRequest,
  RotateCredentialRequestSchema,
} from "../../gen/killcord/v1/credential_pb.js";
import type { AgentRevoked, CredentialRevoked } from "../core/event.js";
import type { Agent } from "../core/state.js";
import { fromContent } from "../engine/content.js";
import { limits } from "../limits.js";
import { agentView, knownAgent, registerAgent } from "./agent.js";
import { by, type Context, keep, submit } from "./context.js";
import { credentialView, knownCredential } from "./credential-view.js";
import type { Call } from "./door.js";
import type { Handlers } from "./handlers.js";
import { numbered, overlapOf, ttlOf } from "./key-record.js";
import { cut, pageOf } from "./page.js";
import { newSecret, secretDigest } from "./principal.js";
import { timestamp } from "./view.js";

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
    rotateCredential: (request, call) => rotateCredential(context, request, call),
    revokeCredential: (request, call) => revokeCredential(context, request, call),
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
      ttl_seconds: ttlOf(request),
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

async function rotateCredential(context: Context, request: RotateCredentialRequest, call: Call) {
  const secret = newSecret("kc_");
  const { credentialId } = request;
  const kept = keep(RotateCredentialRequestSchema, request, "RotateCredential", [credentialId]);
  const { reply } = await submit(
    context,
    call,
    {
      type: "rotate_key",
      kind: "credential",
      key_id: credentialId,
      secret_digest: secretDigest(context.vault.pepper, secret),
      overlap_seconds: overlapOf(request),
      ttl_seconds: ttlOf(request),
      repeat: kept.repeat,
      ...by(call),
    },
    "key",
    { request: kept.request },
  );
  return {
    credential: credentialView(
      context,
      knownCredential(context, reply.key_id),
      reply.replayed ? null : secret,
    ),
    replaced: credentialView(context, knownCredential(context, credentialId), null),
  };
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
