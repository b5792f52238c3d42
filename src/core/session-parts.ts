/** What a session is made of, beside what it was started with. */
import type { StopReason } from "./event.js";
import type { HaltEvidence, HaltVia, UnconfirmedWhy } from "./event-halt.js";
import type { Amounts, Cause, Unit } from "./event-parts.js";

/** A limit and its consumption. `spent + reserved` never passes `limit`; null means no limit. */
export interface Budget {
  limit: number | null;
  spent: number;
  reserved: number;
  /** What was spent beyond that, as agents reported it too late to be refused. */
  overrun: number;
}

/** What is held for an action until it is settled, at its session and at all above it. */
export interface Reservation {
  readonly decision_id: string;
  readonly session_id: string;
  readonly held: Amounts;
  readonly at: number;
  /** Index of the decision's entry. */
  readonly sequence: number;
}

/** How a session became terminal. */
export interface SessionStop {
  readonly event: "session_killed" | "session_expired" | "session_ended";
  /** Index of the terminal entry. */
  readonly sequence: number;
  readonly at: number;
  /** Null for a session that ended by itself. */
  readonly stop_reason: StopReason | null;
  readonly reason: string | null;
  readonly halt_id: string | null;
}

/** How a session is held: its actions are blocked, and it may go on later. */
export interface SessionPause {
  /** Index of the entry that holds it. */
  readonly sequence: number;
  readonly at: number;
  readonly reason: string;
  readonly halt_id: string;
  readonly cause: Cause | null;
  /** Whether only a person lets it go on, and not the end of what holds it from above. */
  readonly until_resumed: boolean;
  /** What its budget had no room for, where that holds it: a raise that makes room lets it go on. */
  readonly exceeded: ExceededBudget | null;
}

/** An amount that a budget had no room for. */
export interface ExceededBudget {
  readonly unit: Unit;
  readonly amount: number;
}

/** What the log says of one stop or pause of a session after that itself. */
export interface HaltProgress {
  /** When it was first handed to a client, where that was known when something else was sealed. */
  readonly delivered_at: number | null;
  readonly via: HaltVia | null;
  readonly acknowledged_at: number | null;
  readonly acknowledged_by: string | null;
  readonly confirmed_at: number | null;
  readonly confirmed_by: string | null;
  readonly evidence: HaltEvidence | null;
  /** The deadline that passed. One that is confirmed late has this as well. */
  readonly unconfirmed_at: number | null;
  readonly unconfirmed_why: UnconfirmedWhy | null;
}
