/** What tells of halts: orders on scopes, and how far the client of a stopped session is. */
import type { Common, OfSession } from "./event-parts.js";

/** What a halt covers. */
export interface Scope {
  readonly kind: "session" | "agent" | "credential" | "label" | "workspace";
  readonly id: string;
}

export interface HaltRequested extends Common {
  readonly event: "halt_requested";
  readonly halt_id: string;
  readonly scope: Scope;
  readonly mode: "kill";
  readonly reason: string;
  readonly session_count: number;
  readonly drill_id: null;
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
