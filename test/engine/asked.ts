/** Commands as services make them, with what a test does not care about filled in. */
import { randomBytes } from "node:crypto";
import type { Actor } from "../../src/core/actor.js";
import { system_actor } from "../../src/core/actor.js";
import type { Unstamped } from "../../src/core/command.js";
import { repeatable } from "../../src/engine/digest.js";
import type { Enclosed } from "../../src/engine/outcome.js";
import { makeDetails } from "../../src/vault/details.js";

type Of<Type extends Unstamped["type"]> = Extract<Unstamped, { type: Type }>;

export function start(
  actor: Actor,
  session_id: string,
  more: Partial<Of<"start_session">> = {},
): Of<"start_session"> {
  return {
    type: "start_session",
    actor,
    request_id: null,
    session_id,
    agent_id: "a1",
    label: null,
    credential_id: null,
    parent_session_id: null,
    max_actions: null,
    ttl_seconds: null,
    idle_timeout_seconds: null,
    max_tokens: null,
    max_cost_usd_micros: null,
    on_exceeded: "terminate",
    max_depth: null,
    max_concurrent: null,
    warn_at_percent: [],
    lease_seconds: null,
    on_lease_lost: null,
    repeat: null,
    ...more,
  };
}

export function intercept(
  actor: Actor,
  session_id: string | null,
  more: Partial<Of<"intercept">> = {},
): Of<"intercept"> {
  return {
    type: "intercept",
    actor,
    request_id: null,
    session_id,
    agent_id: null,
    action_type: "read_file",
    chain: null,
    cost: null,
    estimate: null,
    content: null,
    metadata: null,
    action_digest: null,
    action_length: null,
    details_digest: null,
    latency_us: 0,
    repeat: null,
    ...more,
  };
}

/** An intercept of what a client sent, and what comes with it. */
export function interceptWith(
  actor: Actor,
  session_id: string | null,
  sent: Omit<Parameters<typeof makeDetails>[0], "salt">,
  salt = newSalt(),
): readonly [Of<"intercept">, Enclosed] {
  const { details, ...digests } = makeDetails({ salt, ...sent });
  return [intercept(actor, session_id, digests), { details }];
}

export function raise(
  actor: Actor,
  session_id: string,
  limits: Partial<Of<"update_budgets">>,
): Of<"update_budgets"> {
  const as_they_are = { max_actions: null, max_tokens: null, max_cost_usd_micros: null, ttl_seconds: null };
  const common = { type: "update_budgets", actor, request_id: null, session_id, reason: "more" } as const;
  return { ...common, ...as_they_are, ...limits };
}

export function kill(actor: Actor, session_id: string, reason = "enough"): Of<"kill_session"> {
  return { type: "kill_session", actor, request_id: null, session_id, reason, repeat: null };
}

export function halt(
  actor: Actor,
  scope: Of<"order_halt">["scope"],
  mode: Of<"order_halt">["mode"] = "kill",
  reason = "enough",
): Of<"order_halt"> {
  return { type: "order_halt", actor, request_id: null, scope, mode, reason, drill_id: null, repeat: null };
}

export function lift(actor: Actor, halt_id: string): Of<"lift_halt"> {
  return { type: "lift_halt", actor, request_id: null, halt_id, reason: "go on" };
}

export function pause(actor: Actor, session_id: string, reason = "hold"): Of<"pause_session"> {
  return { type: "pause_session", actor, request_id: null, session_id, reason };
}

export function resume(actor: Actor, session_id: string): Of<"resume_session"> {
  return { type: "resume_session", actor, request_id: null, session_id, reason: "go on" };
}

export function end(actor: Actor, session_id: string): Of<"end_session"> {
  return { type: "end_session", actor, request_id: null, session_id };
}

export function acknowledge(
  actor: Actor,
  session_id: string,
  halt_id: string,
  evidence: Of<"acknowledge_halt">["evidence"] = null,
  more: Partial<Of<"acknowledge_halt">> = {},
): Of<"acknowledge_halt"> {
  const by_whom = { via: "stream", delivered_at: null, actor, request_id: null } as const;
  return { type: "acknowledge_halt", session_id, halt_id, evidence, ...by_whom, ...more };
}

export function touch(actor: Actor, session_id: string): Of<"touch_session"> {
  return { type: "touch_session", actor, request_id: null, session_id };
}

export function register(actor: Actor, agent_id: string): Of<"register_agent"> {
  return {
    type: "register_agent",
    actor,
    request_id: null,
    agent_id,
    framework: "custom",
    profile: {},
    decimals: [],
    secret_digest: randomBytes(32).toString("hex"),
  };
}

export function revokeCredential(actor: Actor, credential_id: string): Of<"revoke_credential"> {
  return {
    type: "revoke_credential",
    actor,
    request_id: null,
    credential_id,
    reason: "it leaked",
    repeat: null,
  };
}

export function revokeAgent(actor: Actor, agent_id: string): Of<"revoke_agent"> {
  return { type: "revoke_agent", actor, request_id: null, agent_id, reason: "enough", repeat: null };
}

export function createKey(roles: Of<"create_key">["roles"], actor: Actor = system_actor): Of<"create_key"> {
  return {
    type: "create_key",
    actor,
    request_id: null,
    name: roles.join(" and "),
    roles,
    agent_id: null,
    secret_digest: randomBytes(32).toString("hex"),
    ttl_seconds: null,
    repeat: null,
  };
}

/** The same command under an idempotency key, and what comes with it. */
export function underKey<C extends Unstamped & { readonly repeat: unknown }>(
  command: C,
  key: string,
  request = "{}",
  enclosed: Enclosed = {},
  salt = newSalt(),
): { readonly command: C; readonly enclosed: Enclosed } {
  const asked = { route: command.type, ids: [], key, request, salt };
  return { command: { ...command, repeat: repeatable(asked) }, enclosed: { ...enclosed, request } };
}

export function newSalt(): string {
  return randomBytes(16).toString("hex");
}
