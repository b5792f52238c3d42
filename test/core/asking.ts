/** Commands of the kinds that tests give by the thousand, with everything that does not matter filled in. */

import type { Actor } from "../../src/core/actor.js";
import type { CreateKey, Intercept, Repeatable, StartSession } from "../../src/core/command.js";
import type { Asked } from "./workspace.js";

export function start(actor: Actor, session_id: string, more: Partial<StartSession> = {}): Asked {
  return {
    type: "start_session",
    actor,
    session_id,
    agent_id: null,
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

export function intercept(actor: Actor, session_id: string | null, more: Partial<Intercept> = {}): Asked {
  return {
    type: "intercept",
    actor,
    session_id,
    agent_id: null,
    action_type: "step",
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

export function createKey(actor: Actor, name: string, more: Partial<CreateKey> = {}): Asked {
  return {
    type: "create_key",
    actor,
    name,
    roles: ["agent"],
    agent_id: null,
    secret_digest: `secret of ${name}`,
    ttl_seconds: null,
    repeat: null,
    ...more,
  };
}

export function repeatable(key_digest: string, request_digest = "request"): Repeatable {
  return { key_digest, request_digest, salt: "", same_request: null };
}
