/** Agents: registering one, and showing it. */
import { create } from "@bufbuild/protobuf";
import {
  type Agent as AgentMessage,
  AgentSchema,
  AgentStatus,
  CredentialStatus,
  type RegisterAgentRequest,
} from "../../gen/killcord/v1/credential_pb.js";
import type { Agent } from "../core/state.js";
import { by, type Context, submit } from "./context.js";
import { credentialView, knownCredential } from "./credential-view.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { newSecret, secretDigest } from "./principal.js";
import { declaredOf, profileOf } from "./profile.js";
import { given, timestamp } from "./view.js";

/** A repeat brings up to date what the request names, and leaves the rest as it is. */
export async function registerAgent(context: Context, request: RegisterAgentRequest, call: Call) {
  const secret = newSecret("kc_");
  const known = context.engine.state.agents.get(request.name);
  const { profile, decimals } = profileOf(request, known);
  const { reply } = await submit(
    context,
    call,
    {
      type: "register_agent",
      agent_id: request.name,
      framework: request.framework || known?.framework || "custom",
      profile,
      decimals,
      secret_digest: secretDigest(context.vault.pepper, secret),
      ...by(call),
    },
    "agent",
  );
  const agent = knownAgent(context, reply.agent_id);
  const credential = knownCredential(context, agent.credential_id ?? "");
  const shown = credentialView(context, credential, reply.created ? secret : null);
  return {
    created: reply.created,
    agent: agentView(agent),
    credential: shown,
    ...given("warning", warningOf(agent.agent_id, shown.credentialId, shown.status)),
  };
}

/** A repeat gives no new credential, which somebody who finds the old one spent must be told. */
function warningOf(agent_id: string, credential_id: string, status: CredentialStatus): string | null {
  if (status === CredentialStatus.ACTIVE) {
    return null;
  }
  const how = status === CredentialStatus.REVOKED ? "was revoked" : "has expired";
  const path = `/v1/enforce/agents/${encodeURIComponent(agent_id)}/credentials`;
  return `the credential ${credential_id} ${how} and registering again makes no new one: issue one with POST ${path} or killcord credentials issue`;
}

/** @throws {KillcordError} agent_not_found */
export function knownAgent({ engine }: Context, agent_id: string): Agent {
  const agent = engine.projection.state.agents.get(agent_id);
  if (agent === undefined) {
    throw new KillcordError(
      "agent_not_found",
      `there is no agent ${JSON.stringify(agent_id.slice(0, 64))}, registered or seen`,
    );
  }
  return agent;
}

/** An agent with its figures. */
export function agentView(agent: Agent): AgentMessage {
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
