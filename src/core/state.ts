/**
 * Everything that decisions depend on: plain maps, mutated in place by evolve alone. One owner
 * holds it; decide only reads it.
 */

import type { Role } from "./actor.js";
import type { Approval, Escalating, Escalation } from "./escalation-parts.js";
import type { OnLeaseLost, Profile } from "./event.js";
import type { OnExceeded } from "./event-budget.js";
import type { HaltMode, Scope } from "./event-halt.js";
import type { Cause, Unit } from "./event-parts.js";
import { type Counters, noCounters } from "./policy/counter.js";
import type { Policy } from "./policy/policy.js";
import type {
  Budget,
  ExceededBudget,
  HaltProgress,
  Reservation,
  SessionPause,
  SessionStop,
} from "./session-parts.js";

/** One run of one agent. Plain data, so that it can be stored as it is once it is terminal. */
export interface Session {
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly parent_session_id: string | null;
  readonly label: string | null;
  /** From its start; a raise moves it. */
  ttl_seconds: number | null;
  readonly idle_timeout_seconds: number | null;
  readonly lease_seconds: number | null;
  /** Null exactly without a lease. */
  readonly on_lease_lost: OnLeaseLost | null;
  /** The rehearsal that it belongs to. */
  readonly drill_id: string | null;
  readonly started_at: number;
  readonly started_by: string | null;
  /** Index of the entry that started it. */
  readonly start_sequence: number;
  /** Parents above it: 0 for a session without one. */
  readonly level: number;
  /** session_index of its next entry. */
  next_session_index: number;
  /** Index of its newest entry. */
  last_sequence: number;
  status: "active" | "paused" | "killed" | "expired" | "ended";
  /** Index of the entry that gave it this status. */
  turn_sequence: number;
  readonly actions: Budget;
  readonly tokens: Budget;
  readonly cost_usd_micros: Budget;
  readonly on_exceeded: OnExceeded;
  /** Levels of sub-sessions that may stand below it. */
  readonly max_depth: number | null;
  /** Reservations that may be open at and below it. */
  readonly max_concurrent: number | null;
  /** Those that are. */
  open_reservations: number;
  /** At which parts of its limits it is warned, in per cent, rising. */
  readonly warn_at_percent: readonly number[];
  /** The highest of these that was told, by unit; 0 for none. */
  readonly warned_percent: Record<Unit, number>;
  last_action_at: number | null;
  /** Milliseconds since its last action in which it was held: they are no idle time. */
  held_ms: number;
  pause: SessionPause | null;
  /**
   * A pause that a lost lease or a budget asks for and that is not sealed yet: null but in the middle of a
   * decision.
   */
  pause_owed: {
    readonly cause: Cause;
    readonly reason: string;
    readonly exceeded: ExceededBudget | null;
  } | null;
  stop: SessionStop | null;
  /** Null until something is sealed of its stop or its pause after that itself. */
  halt: HaltProgress | null;
  /** `terminate` verdicts sealed since it stopped, and the newest of them. */
  terminates: number;
  last_terminate_sequence: number | null;
}

/** How a key, a credential or an agent was put out. */
export interface Revocation {
  readonly at: number;
  readonly reason: string;
  /** Index of the entry, which lists what it stopped. */
  readonly sequence: number;
}

/** An API key or a credential: one kind of record, with two views. */
export interface Key {
  /** `key_…` or `cred_…`. */
  readonly key_id: string;
  readonly kind: "key" | "credential";
  readonly name: string;
  readonly roles: readonly Role[];
  readonly agent_id: string | null;
  /** HMAC-SHA-256 of the secret under the pepper, lower-case hex. */
  readonly secret_digest: string;
  readonly created_at: number;
  /** Rotating it brings this forward. */
  expires_at: number | null;
  /** Whether its intercepts must name a session. */
  readonly require_session: boolean;
  revoked: Revocation | null;
  /**
   * The keys that were made out of each other by rotation, the first one first; shared by all of
   * them. They are one caller.
   */
  readonly line: string[];
  /** The key that was made by rotating this one. */
  replaced_by: string | null;
}

/** A named program that was registered or named by a session. */
export interface Agent {
  readonly agent_id: string;
  registered: boolean;
  framework: string;
  profile: Profile;
  /** Pointers to numbers of the profile that are kept as text, from `/profile` down. */
  decimals: readonly string[];
  readonly first_seen_at: number;
  last_seen_at: number | null;
  /** Its first credential, made when it was registered. */
  credential_id: string | null;
  readonly credential_ids: string[];
  total_actions: number;
  allowed_actions: number;
  blocked_actions: number;
  escalated_actions: number;
  revoked: Revocation | null;
  /** Its live sessions. */
  readonly live_sessions: Set<string>;
}

export type ScopeKind = Scope["kind"];

/**
 * What orders did to a scope. Without an order there is no record; nor is one kept of a session once
 * nothing live is left at or below it.
 */
export interface ScopeStanding {
  /** `revoked` is for good; `halted` and `paused` last until the orders in force are lifted. */
  standing: "halted" | "paused" | "revoked" | "active";
  /** A session whose start is at or below this index is stopped for ever; -1 for none. */
  stopped_through: number;
  /** The order that set stopped_through. */
  stop: StopOrder | null;
  /** Orders in force on it, oldest first. */
  readonly halts: Set<string>;
}

/** A halt that has not been lifted. */
export interface StandingHalt {
  readonly halt_id: string;
  /** Index of its entry. */
  readonly sequence: number;
  readonly scope: Scope;
  readonly mode: HaltMode;
  readonly reason: string;
}

/** What let held sessions go on last: where a crash cut that short, they are told of it later. */
export interface Release {
  readonly cause: Cause;
  readonly reason: string;
}

/** An order that stops sessions: the entry, and what it says of them. */
export interface StopOrder {
  readonly event:
    | "halt_requested"
    | "credential_revoked"
    | "agent_revoked"
    | "budget_exceeded"
    | "lease_lost";
  readonly sequence: number;
  readonly reason: string;
  /** The order's id; null for what is no halt: then each session's stop has its own. */
  readonly halt_id: string | null;
  /** The session that the order is about; null for a wider scope. */
  readonly session_id: string | null;
  /** The rehearsal that it belongs to. */
  readonly drill_id: string | null;
}

/** What a request with an idempotency key made. */
export interface Repeat {
  readonly at: number;
  /** Index of the entry that it made. */
  readonly sequence: number;
  readonly request_digest: string;
  readonly salt: string | null;
  /** The session, credential or key that was made or named. */
  readonly subject_id: string;
}

export interface State {
  workspace_id: string;
  /** Time of the newest event. */
  at: number;
  /** Index of the next entry. */
  next_sequence: number;
  /** Live sessions, and those that stopped not long ago. */
  readonly sessions: Map<string, Session>;
  /** Sub-sessions of each session, while they are live. */
  readonly children: Map<string, Set<string>>;
  /**
   * Stopped sessions that are still in `sessions` and may leave, oldest stop first: not those at or below
   * which a reservation is open, since its settlement counts at them.
   */
  readonly stopped: Set<string>;
  /** When each stop came that is neither confirmed nor unconfirmed yet, by its session; oldest first. */
  readonly unsettled: Map<string, number>;
  /** Open reservations by the ids of their decisions, oldest first. */
  readonly reservations: Map<string, Reservation>;
  live_sessions: number;
  /** Of these, those that are held. */
  paused_sessions: number;
  readonly agents: Map<string, Agent>;
  readonly keys: Map<string, Key>;
  readonly keys_by_digest: Map<string, string>;
  readonly scopes: Readonly<Record<ScopeKind, Map<string, ScopeStanding>>>;
  /** Orders in force by their ids, oldest first. */
  readonly halts: Map<string, StandingHalt>;
  last_release: Release | null;
  /** What the newest entry escalated, for the next one to open. */
  escalating: Escalating | null;
  /** Escalations that wait for a person, oldest first; approvals that were not used, likewise. */
  readonly escalations: Map<string, Escalation>;
  readonly approvals: Map<string, Approval>;
  /** The ids of both, by session. */
  readonly session_escalations: Map<string, Set<string>>;
  /** Idempotency keys of intercepts, by session, then by digest; gone with the session. */
  readonly session_repeats: Map<string, Map<string, Repeat>>;
  /** All other idempotency keys, by calling key, then by digest. */
  readonly principal_repeats: Map<string, Map<string, Repeat>>;
  /** All policies that are not deleted, switched on or not. */
  readonly policies: Map<string, Policy>;
  /** What is in force of them: SHA-256 of their ids and versions. */
  policy_set_digest: string;
  /** What policies remember of earlier actions. */
  readonly counters: Counters;
  /** Sealed decisions, and those of them that were `terminate`. */
  decisions: number;
  terminations: number;
}

/** SHA-256 of `[]`: no policies are in force (vault-format.md, 3: policy_changed). */
export const no_policies_digest = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";

export function emptyState(): State {
  return {
    workspace_id: "",
    at: 0,
    next_sequence: 0,
    sessions: new Map(),
    children: new Map(),
    stopped: new Set(),
    unsettled: new Map(),
    reservations: new Map(),
    live_sessions: 0,
    paused_sessions: 0,
    agents: new Map(),
    keys: new Map(),
    keys_by_digest: new Map(),
    scopes: {
      workspace: new Map(),
      agent: new Map(),
      credential: new Map(),
      label: new Map(),
      session: new Map(),
    },
    halts: new Map(),
    last_release: null,
    escalating: null,
    escalations: new Map(),
    approvals: new Map(),
    session_escalations: new Map(),
    session_repeats: new Map(),
    principal_repeats: new Map(),
    policies: new Map(),
    policy_set_digest: no_policies_digest,
    counters: noCounters(),
    decisions: 0,
    terminations: 0,
  };
}

/** Whether nothing leaves this status. */
export function isTerminal(session: Session): boolean {
  return session.stop !== null;
}
