/**
 * What is asked for. A command carries everything that decide may not find out by itself: the time,
 * the actor, random ids and salts, digests.
 */
import type { Role } from "./actor.js";
import type { CancelReservation, LapseReservation, Settle, UpdateBudgets } from "./command-budget.js";
import type { FinishCascades, SealHeartbeat, SumUpTerminates } from "./command-engine.js";
import type { EscalationNamed, ExpireEscalation, ResolveEscalation } from "./command-escalation.js";
import type { Common } from "./command-parts.js";
import type { OnLeaseLost, Profile } from "./event.js";
import type { OnExceeded } from "./event-budget.js";
import type { DrillElapsed, DrillEnded } from "./event-drill.js";
import type { HaltEvidence, HaltMode, HaltVia, Scope } from "./event-halt.js";
import type { Amounts, Chain } from "./event-parts.js";
import type { JsonObject } from "./policy/document.js";
import type { LoopFound } from "./policy/loop-search.js";
import type { StampedPolicyOrder } from "./policy/order.js";

/** A request that says by an idempotency key that it may be a repeat. */
export interface Repeatable {
  readonly key_digest: string;
  readonly request_digest: string;
  readonly salt: string;
  /**
   * Whether the request is the one kept under this key: stamped by the sequencer, which can hash;
   * null when none is kept.
   */
  readonly same_request: boolean | null;
}

export interface StartSession extends Common {
  readonly type: "start_session";
  /** A fresh random id. */
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly label: string | null;
  readonly credential_id: string | null;
  readonly parent_session_id: string | null;
  readonly max_actions: number | null;
  readonly max_tokens: number | null;
  readonly max_cost_usd_micros: number | null;
  readonly ttl_seconds: number | null;
  readonly idle_timeout_seconds: number | null;
  readonly on_exceeded: OnExceeded;
  /** Levels of sub-sessions that may stand below it. */
  readonly max_depth: number | null;
  /** Reservations that may be open at and below it. */
  readonly max_concurrent: number | null;
  /** At which parts of its limits it is warned, in per cent, rising, each once. */
  readonly warn_at_percent: readonly number[];
  readonly lease_seconds: number | null;
  /** Null exactly without a lease. */
  readonly on_lease_lost: OnLeaseLost | null;
  /** The rehearsal that it belongs to, if it does. */
  readonly drill_id?: string;
  readonly repeat: Repeatable | null;
}

export interface Intercept extends Common {
  readonly type: "intercept";
  readonly session_id: string | null;
  readonly agent_id: string | null;
  readonly action_type: string;
  readonly chain: Chain | null;
  /** What it costs, known beforehand: charged if it is allowed. */
  readonly cost: Amounts | null;
  /** What it may cost: held if it is allowed, until it is settled. Not both. */
  readonly estimate: Amounts | null;
  /** Exactly what the caller sent, for policies; in memory only. */
  readonly content: string | null;
  readonly metadata: JsonObject | null;
  /** Loops that it goes on with, of the policies that look for such; stamped by the sequencer. Absent when none. */
  readonly loops?: readonly LoopFound[];
  readonly action_digest: string | null;
  readonly action_length: number | null;
  readonly details_digest: string | null;
  /** The salt of these digests; absent without any. */
  readonly details_salt?: string;
  /** Absent when the action names none. */
  readonly escalation?: EscalationNamed;
  /** How long it waits for a person if it is escalated; stamped by the sequencer, limits.ts when absent. */
  readonly escalation_ms?: number;
  /** Microseconds from the request to the moment of its decision; stamped by the sequencer. */
  readonly latency_us: number;
  readonly repeat: Repeatable | null;
}

/** A sign of life: seals nothing, but a session past its time expires. */
export interface TouchSession extends Common {
  readonly type: "touch_session";
  readonly session_id: string;
}

export interface KillSession extends Common {
  readonly type: "kill_session";
  readonly session_id: string;
  /** Never empty: it is the reasoning of every terminate that follows. */
  readonly reason: string;
  readonly repeat: Repeatable | null;
}

export interface EndSession extends Common {
  readonly type: "end_session";
  readonly session_id: string;
}

/** Orders a stop on a scope, which stands until it is lifted. */
export interface OrderHalt extends Common {
  readonly type: "order_halt";
  /** Of the workspace, its own id. */
  readonly scope: Scope;
  readonly mode: HaltMode;
  /** Never empty: it is the reasoning of every terminate and block that follows. */
  readonly reason: string;
  readonly drill_id: string | null;
  readonly repeat: Repeatable | null;
}

export interface LiftHalt extends Common {
  readonly type: "lift_halt";
  readonly halt_id: string;
  readonly reason: string;
}

/** Holds a session and what is below it, by an order on this one session. */
export interface PauseSession extends Common {
  readonly type: "pause_session";
  readonly session_id: string;
  readonly reason: string;
}

export interface ResumeSession extends Common {
  readonly type: "resume_session";
  readonly session_id: string;
  readonly reason: string;
}

/** The client of a stopped or held session says how far it is. */
export interface AcknowledgeHalt extends Common {
  readonly type: "acknowledge_halt";
  readonly session_id: string;
  readonly halt_id: string;
  /** Null: it is stopping. Otherwise it has stopped, and this is how it knows. */
  readonly evidence: HaltEvidence | null;
  readonly via: HaltVia;
  /** When the stop was first handed to the client, as far as the engine knows. */
  readonly delivered_at: number | null;
}

/** The engine's timer: nobody has confirmed the stop of a session in time. */
export interface UnconfirmHalt extends Common {
  readonly type: "unconfirm_halt";
  readonly session_id: string;
  /** What a client has from the stop on to say that it has stopped. */
  readonly confirm_ms: number;
  /** When the stop was first handed to the client, as far as the engine knows. */
  readonly delivered_at: number | null;
}

/** The engine's timer: the session expires, or loses its lease, if its time has come. */
export interface ExpireSession extends Common {
  readonly type: "expire_session";
  readonly session_id: string;
}

export interface StartDrill extends Common {
  readonly type: "start_drill";
  /** In whose name it runs. */
  readonly agent_id: string;
}

export interface EndDrill extends Common {
  readonly type: "end_drill";
  readonly drill_id: string;
  /** Null where none was opened. */
  readonly session_id: string | null;
  readonly outcome: DrillEnded["outcome"];
  readonly elapsed_ms: DrillElapsed | null;
}

export interface RegisterAgent extends Common {
  readonly type: "register_agent";
  readonly agent_id: string;
  readonly framework: string;
  readonly profile: Profile;
  /** Pointers that begin with `/profile`, to its numbers that are sealed as text; sorted. */
  readonly decimals: readonly string[];
  /** Digest of the secret of the credential that a new agent gets. */
  readonly secret_digest: string;
}

export interface RevokeAgent extends Common {
  readonly type: "revoke_agent";
  readonly agent_id: string;
  readonly reason: string;
  readonly repeat: Repeatable | null;
}

export interface IssueCredential extends Common {
  readonly type: "issue_credential";
  readonly agent_id: string;
  readonly secret_digest: string;
  readonly ttl_seconds: number | null;
  readonly require_session: boolean;
  readonly repeat: Repeatable | null;
}

export interface RevokeCredential extends Common {
  readonly type: "revoke_credential";
  readonly credential_id: string;
  readonly reason: string;
  readonly repeat: Repeatable | null;
}

export interface CreateKey extends Common {
  readonly type: "create_key";
  readonly name: string;
  readonly roles: readonly Role[];
  readonly agent_id: string | null;
  readonly secret_digest: string;
  readonly ttl_seconds: number | null;
  readonly repeat: Repeatable | null;
}

/** Replaces a key or a credential by a new one; the old secret stays good for a while. */
export interface RotateKey extends Common {
  readonly type: "rotate_key";
  readonly kind: "key" | "credential";
  readonly key_id: string;
  /** Of the new secret. */
  readonly secret_digest: string;
  readonly overlap_seconds: number;
  /** Null: as long as the old one was given. */
  readonly ttl_seconds: number | null;
  readonly repeat: Repeatable | null;
}

export interface RevokeKey extends Common {
  readonly type: "revoke_key";
  readonly key_id: string;
  readonly reason: string;
}

export interface ChangePolicy extends Common, StampedPolicyOrder {
  readonly type: "change_policy";
  readonly repeat: Repeatable | null;
}

export type Command =
  | StartSession
  | Intercept
  | Settle
  | CancelReservation
  | LapseReservation
  | UpdateBudgets
  | TouchSession
  | KillSession
  | EndSession
  | OrderHalt
  | LiftHalt
  | PauseSession
  | ResumeSession
  | AcknowledgeHalt
  | UnconfirmHalt
  | ExpireSession
  | StartDrill
  | EndDrill
  | RegisterAgent
  | RevokeAgent
  | IssueCredential
  | RevokeCredential
  | CreateKey
  | RotateKey
  | RevokeKey
  | ChangePolicy
  | ResolveEscalation
  | ExpireEscalation
  | SumUpTerminates
  | SealHeartbeat
  | FinishCascades;

/** A command as a service makes it: the sequencer stamps the time and what depends on it. */
export type Unstamped<C extends Command = Command> = C extends Command
  ? Omit<C, "at" | "lost_leases" | "policy_set_digest" | "loops">
  : never;
