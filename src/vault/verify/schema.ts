/** The members of each event: the table of vault-format.md, 3, as shapes. */
import type { EventName } from "./content.js";
import {
  base64,
  count,
  digest,
  id,
  integer,
  list,
  type Members,
  nullable,
  object,
  oneOf,
  open,
  type Shape,
  salt,
  text,
  time,
} from "./shape.js";

const amounts = open({ tokens: count, cost_usd_micros: count });
const consumed = open({ actions: count, tokens: count, cost_usd_micros: count });
const cause = open({ event: id, sequence: count });
const scope = open({ kind: oneOf("session", "agent", "credential", "label", "workspace"), id });
const unit = oneOf("actions", "tokens", "cost_usd_micros");
const entry_key = open({
  key_id: id,
  algorithm: id,
  public_key: base64,
  backend: id,
  created_at: time,
  first_sequence: count,
  root_key_id: id,
  certificate: base64,
});
const on_lease_lost = oneOf("kill", "pause", "continue");

const common: Members = { at: time, actor: open({ key_id: nullable(id), role: id }), _salt: salt };
const optional: Members = {
  request_id: text,
  idempotency: open({ key_digest: digest, request_digest: digest }),
  granted_roles: list(id),
};
/** S: one of the session's own entries. */
const own: Members = { session_id: id, session_index: count };
/** S?: the same, or both null. */
const perhaps: Members = { session_id: nullable(id), session_index: nullable(count) };
const totals: Members = { consumed, reserved: amounts };
const halt_step: Members = { ...own, halt_id: id };

const tables: Readonly<Record<EventName, Members>> = {
  vault_opened: {
    format: oneOf("killcord-vault/1"),
    origin: id,
    workspace_id: id,
    entry_key,
    entry_root_key_id: id,
    checkpoint_keys: list(id),
    heartbeat_seconds: count,
  },
  session_started: {
    ...own,
    agent_id: nullable(id),
    credential_id: nullable(id),
    parent_session_id: nullable(id),
    labels: list(text),
    budgets: open({
      max_actions: nullable(count),
      max_tokens: nullable(count),
      max_cost_usd_micros: nullable(count),
      ttl_seconds: nullable(count),
      idle_timeout_seconds: nullable(count),
    }),
    expires_at: nullable(time),
    on_exceeded: oneOf("terminate", "pause"),
    lease_seconds: nullable(count),
    on_lease_lost: nullable(on_lease_lost),
    drill_id: nullable(id),
  },
  enforcement_decision: {
    ...perhaps,
    decision_id: id,
    agent_id: nullable(id),
    credential_id: nullable(id),
    action_type: id,
    decision: oneOf("allow", "allow_with_warning", "block", "escalate", "terminate"),
    decision_path: text,
    reasoning: text,
    trust_score: nullable(integer),
    policies_triggered: list(open({ policy_id: id, name: text, decision: id, reason: text })),
    policy_set_digest: digest,
    latency_us: count,
    chain: nullable(object),
    action_digest: nullable(digest),
    action_length: nullable(count),
    details_digest: nullable(digest),
    charge: nullable(amounts),
    reservation: nullable(amounts),
    consumed: nullable(consumed),
    reserved: nullable(amounts),
    cause: nullable(cause),
    escalation_id: nullable(id),
  },
  budget_exceeded: {
    ...own,
    owner_session_id: id,
    unit,
    limit: count,
    spent: count,
    reserved: count,
    requested: count,
    on_exceeded: oneOf("terminate", "pause"),
  },
  lease_lost: { ...own, lease_seconds: count, on_lease_lost, last_heard_at: time },
  session_killed: {
    ...own,
    ...totals,
    agent_id: nullable(id),
    stop_reason: id,
    reason: text,
    cause,
    halt_id: id,
  },
  session_expired: {
    ...own,
    ...totals,
    agent_id: nullable(id),
    stop_reason: oneOf("ttl_expired", "idle_timeout"),
    deadline_at: time,
    halt_id: id,
  },
  session_ended: {
    ...own,
    ...totals,
    agent_id: nullable(id),
    reason: nullable(text),
    cause: nullable(cause),
  },
  session_paused: { ...own, reason: text, cause: nullable(cause), halt_id: id },
  session_resumed: { ...own, reason: text, cause: nullable(cause) },
  halt_requested: {
    halt_id: id,
    scope,
    mode: oneOf("kill", "pause"),
    reason: text,
    session_count: count,
    drill_id: nullable(id),
  },
  halt_lifted: { halt_id: id, reason: text },
  halt_acknowledged: {
    ...halt_step,
    via: oneOf("stream", "heartbeat", "intercept", "supervisor"),
    delivered_at: nullable(time),
    acknowledged_at: time,
  },
  halt_confirmed: {
    ...halt_step,
    evidence: oneOf("tasks_cancelled", "process_exit", "group_empty"),
    confirmed_at: time,
    elapsed_ms: count,
  },
  halt_unconfirmed: {
    ...halt_step,
    why: oneOf("deadline", "no_client"),
    delivered_at: nullable(time),
    deadline_at: time,
  },
  agent_registered: { agent_id: id, name: text, framework: text, profile: object },
  agent_revoked: {
    agent_id: id,
    reason: text,
    revoked_credentials: list(id),
    killed_count: count,
    killed_sessions: list(id),
  },
  credential_issued: {
    credential_id: id,
    agent_id: id,
    parent_credential_id: nullable(id),
    secret_digest: nullable(digest),
    expires_at: nullable(time),
  },
  credential_revoked: {
    credential_id: id,
    agent_id: nullable(id),
    cascade: oneOf("credential", "agent"),
    reason: text,
    killed_count: count,
    killed_sessions: list(id),
  },
  budget_raised: {
    ...own,
    unit: oneOf("actions", "tokens", "cost_usd_micros", "ttl_seconds"),
    from: nullable(count),
    to: count,
    expires_at: nullable(time),
    reason: text,
  },
  reservation_settled: {
    ...own,
    ...totals,
    decision_id: id,
    outcome: oneOf("settled", "cancelled", "lapsed"),
    spent: amounts,
    reported: nullable(amounts),
  },
  policy_changed: {
    change: oneOf("created", "updated", "deleted", "deployed", "rolled_back"),
    policy_id: id,
    version: count,
    policy: nullable(object),
    policy_set_digest: digest,
  },
  escalation_opened: { ...perhaps, escalation_id: id, decision_id: id, expires_at: time },
  escalation_resolved: {
    ...perhaps,
    escalation_id: id,
    decision_id: id,
    resolution: oneOf("approved", "rejected", "expired"),
    reason: nullable(text),
  },
  api_key_created: {
    key_id: id,
    name: text,
    granted_role: id,
    agent_id: nullable(id),
    secret_digest: digest,
    expires_at: nullable(time),
  },
  api_key_revoked: { key_id: id, reason: text },
  key_rotated: {
    purpose: oneOf("entry", "checkpoint"),
    entry_key: nullable(entry_key),
    checkpoint_keys: nullable(list(id)),
    previous_key_id: nullable(id),
    reason: text,
  },
  key_compromised: { key_id: id, compromised_at: time, reason: text },
  erasure: {
    targets: list(open({ sequence: count, details_digest: digest })),
    legal_basis: text,
    reason: text,
  },
  notice: {
    ...perhaps,
    // New kinds may be added: a replay ignores them all.
    kind: id,
    body: object,
  },
  heartbeat: {
    interval_seconds: count,
    decisions: count,
    terminations: count,
    live_sessions: count,
    tree: nullable(open({ size: count, root: base64 })),
    witness: nullable(open({ name: id, size: count, time })),
  },
  drill_started: { drill_id: id, scope },
  drill_ended: {
    drill_id: id,
    drill_session_id: nullable(id),
    outcome: oneOf("confirmed", "unconfirmed"),
    elapsed_ms: nullable(object),
  },
};

/** The shape of each event's content; members beyond those are allowed. */
export const schemas: ReadonlyMap<string, Shape> = new Map(
  Object.entries(tables).map(([event, members]) => [event, open({ ...common, ...members }, optional)]),
);
