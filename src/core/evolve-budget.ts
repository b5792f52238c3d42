/** What actions, settlements and raises do to the budgets of a session and of all above it. */
import { amount_max, amount_units } from "./budget.js";
import { exceeds } from "./charge.js";
import type { EnforcementDecision, Notice } from "./event.js";
import type { BudgetRaised, ReservationSettled } from "./event-budget.js";
import { pathFromRoot } from "./scope.js";
import { reachedPercent } from "./soft-limit.js";
import type { Session, State } from "./state.js";

/** What an allowed action costs is spent; what it may cost is held until it is settled. */
export function chargePath(
  state: State,
  path: readonly Session[],
  { decision_id, session_id, at, charge, reservation }: EnforcementDecision,
  sequence: number,
): void {
  for (const owner of path) {
    for (const unit of amount_units) {
      owner[unit].spent += charge?.[unit] ?? 0;
      owner[unit].reserved += reservation?.[unit] ?? 0;
    }
    owner.open_reservations += reservation === null ? 0 : 1;
  }
  if (reservation !== null && session_id !== null) {
    state.reservations.set(decision_id, { decision_id, session_id, held: reservation, at, sequence });
  }
}

/** What was held is held no more; what is charged is spent, and what the agent reports beyond that is overrun. */
export function settleReservation(state: State, event: ReservationSettled): void {
  const reservation = state.reservations.get(event.decision_id);
  const session = state.sessions.get(event.session_id);
  if (reservation === undefined || session === undefined) {
    return;
  }
  state.reservations.delete(event.decision_id);
  const { spent, reported } = event;
  for (const owner of pathFromRoot(state, session)) {
    owner.open_reservations -= 1;
    if (owner.open_reservations === 0 && owner.stop !== null) {
      // Nothing more can change it: it may leave memory.
      state.stopped.add(owner.session_id);
    }
    for (const unit of amount_units) {
      const budget = owner[unit];
      budget.reserved -= reservation.held[unit];
      budget.spent += spent[unit];
      const beyond = Math.max(0, (reported ?? spent)[unit] - spent[unit]);
      budget.overrun = Math.min(budget.overrun + beyond, amount_max);
    }
  }
}

export function noteWarning(
  state: State,
  { session_id, body }: Extract<Notice, { kind: "soft_limit" }>,
): void {
  const session = session_id === null ? undefined : state.sessions.get(session_id);
  if (session !== undefined) {
    session.warned_percent[body.unit] = body.percent;
  }
}

export function raiseBudget(state: State, event: BudgetRaised, sequence: number): void {
  const session = state.sessions.get(event.session_id);
  if (session === undefined) {
    return;
  }
  const { unit, to } = event;
  if (unit === "ttl_seconds") {
    session.ttl_seconds = to;
    return;
  }
  session[unit].limit = to;
  session.warned_percent[unit] = reachedPercent(session, unit);
  const { pause } = session;
  if (pause?.exceeded?.unit === unit && !exceeds(session[unit], pause.exceeded.amount)) {
    // What held it is over: it goes on now, or once nothing else holds it.
    session.pause = { ...pause, until_resumed: false, exceeded: null };
    state.last_release = { cause: { event: event.event, sequence }, reason: event.reason };
  }
}
