/** What tells of budgets: that one had no room, was raised, or that a reservation ended. */
import type { Amounts, Common, Consumed, OfSession, Unit } from "./event-parts.js";

/** What happens to a session that reaches a limit of an amount: it stops, or it waits for a person. */
export type OnExceeded = "terminate" | "pause";

export interface BudgetExceeded extends Common, OfSession {
  readonly event: "budget_exceeded";
  /** The session or ancestor whose budget it is, and which is stopped or held. */
  readonly owner_session_id: string;
  readonly unit: Unit;
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  /** What the action asked for, and the owner's overrun. */
  readonly requested: number;
  readonly on_exceeded: OnExceeded;
}

/** A person gives a session more of one budget. */
export interface BudgetRaised extends Common, OfSession {
  readonly event: "budget_raised";
  readonly unit: Unit | "ttl_seconds";
  /** The limit in force. */
  readonly from: number;
  readonly to: number;
  /** Of ttl_seconds the new end, else null. */
  readonly expires_at: number | null;
  readonly reason: string;
}

/** How a reservation ended; `lapsed`: nobody said in time what the action had cost. */
export type ReservationOutcome = "settled" | "cancelled" | "lapsed";

/** What was held for an action is held no more. */
export interface ReservationSettled extends Common, OfSession {
  readonly event: "reservation_settled";
  readonly decision_id: string;
  readonly outcome: ReservationOutcome;
  /** What is charged, which fits everywhere. */
  readonly spent: Amounts;
  /** What the agent said; what it exceeds `spent` by is overrun. Null when it said nothing. */
  readonly reported: Amounts | null;
  readonly consumed: Consumed;
  readonly reserved: Amounts;
}
