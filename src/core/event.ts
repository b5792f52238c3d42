/**
 * What happened: the members of each event are those of vault-format.md, section 3, so that the
 * sealed log is the state. Times are whole milliseconds since 1970 here and texts in the log;
 * engine/content.ts translates.
 */

import type { Role } from "./actor.js";
import type { BudgetExceeded, BudgetRaised, OnExceeded, ReservationSettled } from "./event-budget.js";
import type { DrillEnded, DrillStarted } from "./event-drill.js";
import type { EscalationOpened, EscalationResolved } from "./event-escalation.js";
import type {
  HaltAcknowledged,
  HaltConfirmed,
  HaltLifted,
  HaltRequested,
  HaltUnconfirmed,
  SessionPaused,
  SessionResumed,
} from "./event-halt.js";
import type {
  Amounts,
  Cause,
  Chain,
  Common,
  Consumed,
  OfSession,
  PolicyTriggered,
  PolicyWarning,
  Unit,
  Verdict,
} from "./event-parts.js";
import type { PolicyChanged } from "./event-policy.js";
import type { BudgetPolicy } from "./policy/session-budgets.js";
import type { Replacement } from "./replacement.js";

export type StopReason =
  | "manual"
  | "budget_exceeded"
  | "ttl_expired"
  | "idle_timeout"
  | "lease_lost"
  | "credential_revoked"
  | "agent_revoked"
  | "halted"
  | "drill"
  | "policy"
  | "parent_stopped";

export type KillReason = Exclude<StopReason, "ttl_expired" | "idle_timeout">;

export interface VaultOpened extends Common {
  readonly event: "vault_opened";
  readonly workspace_id: string;
}

/** What happens to a session whose lease is lost. */
export type OnLeaseLost = "kill" | "pause" | "continue";

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
    /** How many levels of sub-sessions may stand below it; absent without a limit. */
    readonly max_depth?: number;
    /** Reservations that may be open at and below it; absent without a limit. */
    readonly max_concurrent?: number;
    /** At which parts of its limits it is warned, in per cent, rising; absent when at none. */
    readonly warn_at_percent?: readonly number[];
  };
  readonly expires_at: number | null;
  readonly on_exceeded: OnExceeded;
  readonly lease_seconds: number | null;
  /** Null exactly without a lease. */
  readonly on_lease_lost: OnLeaseLost | null;
  /** The rehearsal that it belongs to. */
  readonly drill_id: string | null;
  /** Policies that gave it budgets or bounded them; absent when none did. */
  readonly budget_policies?: readonly BudgetPolicy[];
}

export interface EnforcementDecision extends Common {
  readonly event: "enforcement_decision";
  readonly session_id: string | null;
  readonly session_index: number | null;
  readonly decision_id: string;
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly action_type: string;
  readonly decision: Verdict;
  readonly decision_path: string;
  readonly reasoning: string;
  readonly trust_score: null;
  readonly policies_triggered: readonly PolicyTriggered[];
  /** Of policies in shadow mode; absent when none would have had a say. */
  readonly policies_shadowed?: readonly PolicyTriggered[];
  /** Only of an allow, which is then sealed as `allow_with_warning`; never empty. */
  readonly warnings?: readonly PolicyWarning[];
  readonly policy_set_digest: string;
  /** Microseconds from the request to its decision. */
  readonly latency_us: number;
  readonly chain: Chain | null;
  readonly action_digest: string | null;
  readonly action_length: number | null;
  readonly details_digest: string | null;
  /** Of an escalated action the salt of its digests, which is sealed in its details; null once they are erased. */
  readonly details_salt?: string | null;
  /** What an allowed action costs, known beforehand. */
  readonly charge: Amounts | null;
  /** What is held for an allowed action until it is settled. */
  readonly reservation: Amounts | null;
  readonly consumed: Consumed | null;
  readonly reserved: Amounts | null;
  readonly cause: Cause | null;
  readonly escalation_id: string | null;
}

/** Nothing was heard of the client within the lease and the grace after it. */
export interface LeaseLost extends Common, OfSession {
  readonly event: "lease_lost";
  readonly lease_seconds: number;
  readonly on_lease_lost: OnLeaseLost;
  /** From when the lease ran: when it was renewed, or the session or the server started. */
  readonly last_heard_at: number;
}

export interface SessionKilled extends Common, OfSession {
  readonly event: "session_killed";
  readonly agent_id: string | null;
  readonly stop_reason: KillReason;
  readonly reason: string;
  readonly cause: Cause;
  readonly halt_id: string;
  readonly consumed: Consumed;
  readonly reserved: Amounts;
}

export interface SessionExpired extends Common, OfSession {
  readonly event: "session_expired";
  readonly agent_id: string | null;
  readonly stop_reason: "ttl_expired" | "idle_timeout";
  readonly deadline_at: number;
  readonly halt_id: string;
  readonly consumed: Consumed;
  readonly reserved: Amounts;
}

export interface SessionEnded extends Common, OfSession {
  readonly event: "session_ended";
  readonly agent_id: string | null;
  readonly reason: string | null;
  readonly cause: Cause | null;
  readonly consumed: Consumed;
  readonly reserved: Amounts;
}

export type Profile = { readonly [name: string]: unknown };

export interface AgentRegistered extends Common {
  readonly event: "agent_registered";
  readonly agent_id: string;
  readonly name: string;
  readonly framework: string;
  readonly profile: Profile;
  /** Pointers to numbers that are sealed as text (vault-format.md, 1). */
  readonly _decimals?: readonly string[];
}

export interface AgentRevoked extends Common {
  readonly event: "agent_revoked";
  readonly agent_id: string;
  readonly reason: string;
  readonly revoked_credentials: readonly string[];
  readonly killed_count: number;
  readonly killed_sessions: readonly string[];
}

export interface CredentialIssued extends Common, Replacement {
  readonly event: "credential_issued";
  readonly credential_id: string;
  readonly agent_id: string;
  readonly parent_credential_id: null;
  readonly secret_digest: string;
  readonly expires_at: number | null;
  readonly require_session: boolean;
}

export interface CredentialRevoked extends Common {
  readonly event: "credential_revoked";
  readonly credential_id: string;
  readonly agent_id: string | null;
  readonly cascade: "agent";
  readonly reason: string;
  readonly killed_count: number;
  readonly killed_sessions: readonly string[];
}

export interface ApiKeyCreated extends Common, Replacement {
  readonly event: "api_key_created";
  readonly key_id: string;
  readonly name: string;
  readonly granted_role: Role;
  readonly granted_roles: readonly Role[];
  readonly agent_id: string | null;
  readonly secret_digest: string;
  readonly expires_at: number | null;
}

export interface ApiKeyRevoked extends Common {
  readonly event: "api_key_revoked";
  readonly key_id: string;
  readonly reason: string;
}

interface NoticeOf<Kind extends string, Body> extends Common {
  readonly event: "notice";
  readonly session_id: string | null;
  readonly session_index: number | null;
  readonly kind: Kind;
  readonly body: Body;
}

/** A fact that the replay of a verifier ignores (vault-format.md, 3). */
export type Notice =
  | NoticeOf<"repeated_terminates", { readonly decision_id: string; readonly count: number }>
  /** An agent was registered again with other declared values. */
  | (NoticeOf<
      "agent_updated",
      { readonly agent_id: string; readonly framework: string; readonly profile: Profile }
    > & { readonly _decimals?: readonly string[] })
  /** A session has spent such a part of a limit, for the first time since that was set or raised. */
  | NoticeOf<
      "soft_limit",
      { readonly unit: Unit; readonly percent: number; readonly limit: number; readonly spent: number }
    >;

export interface Heartbeat extends Common {
  readonly event: "heartbeat";
  readonly interval_seconds: number;
  readonly decisions: number;
  readonly terminations: number;
  readonly live_sessions: number;
  readonly tree: null;
  readonly witness: null;
}

/** Everything that can be in the log. */
export type Event =
  | EscalationOpened
  | EscalationResolved
  | VaultOpened
  | SessionStarted
  | EnforcementDecision
  | BudgetExceeded
  | BudgetRaised
  | ReservationSettled
  | LeaseLost
  | SessionKilled
  | SessionExpired
  | SessionEnded
  | SessionPaused
  | SessionResumed
  | HaltRequested
  | HaltLifted
  | HaltAcknowledged
  | HaltConfirmed
  | HaltUnconfirmed
  | DrillStarted
  | DrillEnded
  | AgentRegistered
  | AgentRevoked
  | CredentialIssued
  | CredentialRevoked
  | ApiKeyCreated
  | ApiKeyRevoked
  | PolicyChanged
  | Notice
  | Heartbeat;
