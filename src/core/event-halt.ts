/** What tells of halts: orders on scopes, and how far the client of a stopped session is. */
import type { Cause, Common, OfSession } from "./event-parts.js";

/** What a halt covers. */
export interface Scope {
  readonly kind: "session" | "agent" | "credential" | "label" | "workspace";
  readonly id: string;
}

/** Whether an order ends sessions or holds them. */
export type HaltMode = "kill" | "pause";

export interface HaltRequested extends Common {
  readonly event: "halt_requested";
  readonly halt_id: string;
  readonly scope: Scope;
  readonly mode: HaltMode;
  readonly reason: string;
  readonly session_count: number;
  /** The rehearsal that it belongs to. */
  readonly drill_id: string | null;
}

export interface HaltLifted extends Common {
  readonly event: "halt_lifted";
  readonly halt_id: string;
  readonly reason: string;
}

export interface SessionPaused extends Common, OfSession {
  readonly event: "session_paused";
  readonly reason: string;
  readonly cause: Cause | null;
  /** The order's; a pause without one has its own. */
  readonly halt_id: string;
}

export interface SessionResumed extends Common, OfSession {
  readonly event: "session_resumed";
  readonly reason: string;
  readonly cause: Cause | null;
}

/** By what a client learned of its stop; `supervisor` for who watches over it from outside. */
export type HaltVia = "stream" | "heartbeat" | "intercept" | "supervisor";

/** How it is known that a client has stopped. */
export type HaltEvidence = "tasks_cancelled" | "process_exit" | "group_empty";

export interface HaltAcknowledged extends Common, OfSession {
  readonly event: "halt_acknowledged";
  readonly halt_id: string;
  readonly via: HaltVia;
  readonly delivered_at: number | null;
  readonly acknowledged_at: number;
}

export interface HaltConfirmed extends Common, OfSession {
  readonly event: "halt_confirmed";
  readonly halt_id: string;
  readonly evidence: HaltEvidence;
  readonly confirmed_at: number;
  /** Since the `at` of the stop. */
  readonly elapsed_ms: number;
}

/** Why nobody has confirmed a stop in time: a client had heard of it, or none. */
export type UnconfirmedWhy = "deadline" | "no_client";

export interface HaltUnconfirmed extends Common, OfSession {
  readonly event: "halt_unconfirmed";
  readonly halt_id: string;
  readonly why: UnconfirmedWhy;
  readonly delivered_at: number | null;
  readonly deadline_at: number;
}
