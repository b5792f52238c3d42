/** What the replay reads of each event (vault-format.md, 3). A schema check stands before every use. */

export interface Cause {
  readonly event: string;
  readonly sequence: number;
}

/** Spent totals of a session. */
export interface Consumed {
  readonly actions: number;
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

export type Unit = keyof Consumed;

/** Amounts that can be held, charged or settled. */
export interface Amounts {
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

export interface Scope {
  readonly kind: "session" | "agent" | "credential" | "label" | "workspace";
  readonly id: string;
}

interface Common {
  readonly at: string;
  readonly actor: { readonly key_id: string | null; readonly role: string };
}

interface OfSession {
  readonly session_id: string;
  readonly session_index: number;
}

interface MaybeOfSession {
  readonly session_id: string | null;
  readonly session_index: number | null;
}

interface Totals {
  readonly consumed: Consumed;
  readonly reserved: Amounts;
}

export interface StatedKey {
  readonly key_id: string;
  readonly algorithm: string;
  readonly public_key: string;
  readonly backend: string;
  readonly created_at: string;
  readonly first_sequence: number;
  readonly root_key_id: string;
  readonly certificate: string;
}

export interface VaultOpened extends Common {
  readonly event: "vault_opened";
  readonly origin: string;
  readonly workspace_id: string;
  readonly entry_key: StatedKey;
  readonly entry_root_key_id: string;
  readonly checkpoint_keys: readonly string[];
}

export interface SessionStarted extends Common, OfSession {
  readonly event: "session_started";
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly parent_session_id: string | null;
  readonly labels: readonly string[];
  readonly budgets: {
    readonly max_actions: number | null;
    readonly max_tokens: number | null;
    readonly max_cost_usd_micros: number | null;
    readonly ttl_seconds: number | null;
    readonly idle_timeout_seconds: number | null;
  };
  readonly expires_at: string | null;
  readonly on_exceeded: "terminate" | "pause";
  readonly lease_seconds: number | null;
  readonly on_lease_lost: "kill" | "pause" | "continue" | null;
}

export interface EnforcementDecision extends Common, MaybeOfSession {
  readonly event: "enforcement_decision";
  readonly decision_id: string;
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly decision: "allow" | "allow_with_warning" | "block" | "escalate" | "terminate";
  readonly charge: Amounts | null;
  readonly reservation: Amounts | null;
  readonly consumed: Consumed | null;
  readonly reserved: Amounts | null;
  readonly cause: Cause | null;
  readonly escalation_id: string | null;
}

export interface BudgetExceeded extends Common, OfSession {
  readonly event: "budget_exceeded";
  readonly owner_session_id: string;
  readonly unit: Unit;
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly requested: number;
  readonly on_exceeded: "terminate" | "pause";
}

export interface LeaseLost extends Common, OfSession {
  readonly event: "lease_lost";
  readonly lease_seconds: number;
  readonly on_lease_lost: "kill" | "pause" | "continue";
  readonly last_heard_at: string;
}

export interface SessionKilled extends Common, OfSession, Totals {
  readonly event: "session_killed";
  readonly stop_reason: string;
  readonly cause: Cause;
  readonly halt_id: string;
}

export interface SessionExpired extends Common, OfSession, Totals {
  readonly event: "session_expired";
  readonly stop_reason: "ttl_expired" | "idle_timeout";
  readonly deadline_at: string;
  readonly halt_id: string;
}

export interface SessionEnded extends Common, OfSession, Totals {
  readonly event: "session_ended";
  readonly cause: Cause | null;
}

export interface SessionPaused extends Common, OfSession {
  readonly event: "session_paused";
  readonly cause: Cause | null;
  readonly halt_id: string;
}

export interface SessionResumed extends Common, OfSession {
  readonly event: "session_resumed";
  readonly cause: Cause | null;
}

export interface HaltRequested extends Common {
  readonly event: "halt_requested";
  readonly halt_id: string;
  readonly scope: Scope;
  readonly mode: "kill" | "pause";
  readonly session_count: number;
  readonly drill_id: string | null;
}

export interface HaltLifted extends Common {
  readonly event: "halt_lifted";
  readonly halt_id: string;
}

/** The three answers to a stop: acknowledged, confirmed, unconfirmed. */
export interface HaltStep extends Common, OfSession {
  readonly event: "halt_acknowledged" | "halt_confirmed" | "halt_unconfirmed";
  readonly halt_id: string;
}

export interface AgentRevoked extends Common {
  readonly event: "agent_revoked";
  readonly agent_id: string;
  readonly revoked_credentials: readonly string[];
  readonly killed_count: number;
  readonly killed_sessions: readonly string[];
}

export interface CredentialIssued extends Common {
  readonly event: "credential_issued";
  readonly credential_id: string;
  readonly agent_id: string;
  readonly parent_credential_id: string | null;
}

export interface CredentialRevoked extends Common {
  readonly event: "credential_revoked";
  readonly credential_id: string;
  readonly agent_id: string | null;
  readonly cascade: "credential" | "agent";
  readonly killed_count: number;
  readonly killed_sessions: readonly string[];
}

export interface BudgetRaised extends Common, OfSession {
  readonly event: "budget_raised";
  readonly unit: Unit | "ttl_seconds";
  readonly from: number | null;
  readonly to: number;
  readonly expires_at: string | null;
}

export interface ReservationSettled extends Common, OfSession, Totals {
  readonly event: "reservation_settled";
  readonly decision_id: string;
  readonly spent: Amounts;
}

export interface PolicyChanged extends Common {
  readonly event: "policy_changed";
  readonly policy: Readonly<Record<string, unknown>> | null;
}

export interface EscalationOpened extends Common, MaybeOfSession {
  readonly event: "escalation_opened";
  readonly escalation_id: string;
}

export interface EscalationResolved extends Common, MaybeOfSession {
  readonly event: "escalation_resolved";
  readonly escalation_id: string;
  readonly resolution: "approved" | "rejected" | "expired";
}

export interface ApiKeyCreated extends Common {
  readonly event: "api_key_created";
  readonly key_id: string;
}

export interface KeyRotated extends Common {
  readonly event: "key_rotated";
  readonly purpose: "entry" | "checkpoint";
  readonly entry_key: StatedKey | null;
  readonly previous_key_id: string | null;
}

export interface Erasure extends Common {
  readonly event: "erasure";
  readonly targets: readonly { readonly sequence: number; readonly details_digest: string }[];
}

export interface Heartbeat extends Common {
  readonly event: "heartbeat";
  readonly decisions: number;
  readonly terminations: number;
  readonly live_sessions: number;
  readonly tree: { readonly size: number; readonly root: string } | null;
}

export interface DrillStarted extends Common {
  readonly event: "drill_started";
  readonly drill_id: string;
}

export interface DrillEnded extends Common {
  readonly event: "drill_ended";
  readonly drill_session_id: string | null;
}

/** Events that change nothing in a replay. */
export interface Remark extends Common, Partial<MaybeOfSession> {
  readonly event: "agent_registered" | "api_key_revoked" | "key_compromised" | "notice";
}

export type Content =
  | VaultOpened
  | SessionStarted
  | EnforcementDecision
  | BudgetExceeded
  | LeaseLost
  | SessionKilled
  | SessionExpired
  | SessionEnded
  | SessionPaused
  | SessionResumed
  | HaltRequested
  | HaltLifted
  | HaltStep
  | AgentRevoked
  | CredentialIssued
  | CredentialRevoked
  | BudgetRaised
  | ReservationSettled
  | PolicyChanged
  | EscalationOpened
  | EscalationResolved
  | ApiKeyCreated
  | KeyRotated
  | Erasure
  | Heartbeat
  | DrillStarted
  | DrillEnded
  | Remark;

export type EventName = Content["event"];

/** Events after which a session does not come back. */
export type Terminal = SessionKilled | SessionExpired | SessionEnded;

export function isTerminal(content: Content): content is Terminal {
  return ["session_killed", "session_expired", "session_ended"].includes(content.event);
}
