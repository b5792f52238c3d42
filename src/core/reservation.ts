/** What is held for actions: how it is settled, given back, or counted as estimated after all. */
import { refuseSession } from "./access.js";
import type { Actor } from "./actor.js";
import { amount_units, no_amounts, room } from "./budget.js";
import type { Command } from "./command.js";
import type { CancelReservation, LapseReservation, Settle } from "./command-budget.js";
import { answer, type Decision, Draft } from "./decision.js";
import type { ReservationOutcome } from "./event-budget.js";
import type { Amounts } from "./event-parts.js";
import { pathFromRoot } from "./scope.js";
import type { Reservation } from "./session-parts.js";
import { warnPath } from "./soft-limit.js";
import type { Session, State } from "./state.js";
import { consumedBy, reservedBy } from "./stop.js";

/** Also of a stopped session: the money is spent, and nothing is revived by saying so. */
export function settle(state: State, command: Settle): Decision {
  return closed(state, command, (reservation, session) => ({
    actor: command.actor,
    outcome: "settled",
    spent: whatFits(state, session, reservation.held, command.reported),
    reported: command.reported,
  }));
}

export function cancelReservation(state: State, command: CancelReservation): Decision {
  return closed(state, command, () => ({
    actor: command.actor,
    outcome: "cancelled",
    spent: no_amounts,
    reported: null,
  }));
}

/** Nobody has said in time what it was: then it counts as it was estimated, which was held for it. */
export function lapseReservation(state: State, command: LapseReservation): Decision {
  return closed(state, command, ({ held }) => ({
    actor: command.actor,
    outcome: "lapsed",
    spent: held,
    reported: null,
  }));
}

interface Closing {
  readonly actor: Actor;
  readonly outcome: ReservationOutcome;
  readonly spent: Amounts;
  readonly reported: Amounts | null;
}

/** Ends a reservation once: one that is not open is for the caller to look up. */
function closed(
  state: State,
  command: Command & { readonly decision_id: string },
  closing: (reservation: Reservation, session: Session) => Closing,
): Decision {
  const { decision_id } = command;
  const reservation = state.reservations.get(decision_id);
  const session = reservation === undefined ? undefined : state.sessions.get(reservation.session_id);
  if (reservation === undefined || session === undefined) {
    return answer({ type: "settlement", decision_id, sequence: null });
  }
  const refusal = refuseSession(state, command, session.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const draft = new Draft(state, command);
  const { actor, outcome, spent, reported } = closing(reservation, session);
  const sequence = draft.add({
    event: "reservation_settled",
    actor,
    session_id: session.session_id,
    decision_id,
    outcome,
    spent,
    reported,
    consumed: consumedBy(session, 0, spent),
    reserved: reservedBy(session, no_amounts, reservation.held),
  });
  warnPath(state, draft, session, 0, spent);
  return { reply: { type: "settlement", decision_id, sequence }, events: draft.events };
}

/** What of a reported cost is charged: so much as every limit has room for, with what was held for it. */
function whatFits(state: State, session: Session, held: Amounts, reported: Amounts): Amounts {
  const spent = { ...reported };
  for (const owner of pathFromRoot(state, session)) {
    for (const unit of amount_units) {
      spent[unit] = Math.min(spent[unit], room(owner[unit]) + held[unit]);
    }
  }
  return spent;
}
