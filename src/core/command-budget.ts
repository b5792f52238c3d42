/** What is asked for about budgets: what actions cost in the end, and higher limits. */
import type { Common } from "./command-parts.js";
import type { Amounts } from "./event-parts.js";

/** An agent says what an action has cost for which an estimate is held. */
export interface Settle extends Common {
  readonly type: "settle";
  readonly decision_id: string;
  readonly reported: Amounts;
}

/** Gives back what is held for an action that cost nothing. */
export interface CancelReservation extends Common {
  readonly type: "cancel_reservation";
  readonly decision_id: string;
}

/** The engine's timer: nobody has said in time what an action has cost. */
export interface LapseReservation extends Common {
  readonly type: "lapse_reservation";
  readonly decision_id: string;
}

/** Raises limits of a session, and lets it go on if it waits for that; null leaves a limit as it is. */
export interface UpdateBudgets extends Common {
  readonly type: "update_budgets";
  readonly session_id: string;
  readonly max_actions: number | null;
  readonly max_tokens: number | null;
  readonly max_cost_usd_micros: number | null;
  readonly ttl_seconds: number | null;
  readonly reason: string;
}
