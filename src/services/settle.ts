/** Closes reservations: an action says what it cost, or that it was not done. */
import type {
  CancelReservationRequest,
  SettleRequest,
  SettleResponse,
  StreamSettle,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { Context } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { ownDecision } from "./sealed-decision.js";
import { invalid } from "./validate.js";

/** What is answered, in the reply of either method. */
export type ClosedReservation = Omit<SettleResponse, "$typeName" | "$unknown">;

/** Closes a reservation by what its action cost. */
export async function settle(
  context: Context,
  request: SettleRequest,
  call: Call,
): Promise<ClosedReservation> {
  return close(context, request.decisionId, call);
}

/** Gives back what an action holds. */
export async function cancelReservation(context: Context, request: CancelReservationRequest, call: Call) {
  return close(context, request.decisionId, call);
}

/**
 * Closes a reservation of the session that a stream is open on.
 *
 * @throws {KillcordError} also for a decision of another session
 */
export async function closeOnStream(
  context: Context,
  { decisionId, cost, cancel }: StreamSettle,
  _session_id: string,
  call: Call,
): Promise<ClosedReservation> {
  if (cancel && cost !== undefined) {
    throw invalid([{ field: "settle.cost", issue: "goes without cancel: what was not done cost nothing" }]);
  }
  return close(context, decisionId, call);
}

async function close(context: Context, decision_id: string, call: Call): Promise<ClosedReservation> {
  await ownDecision(context, decision_id, call);
  throw new KillcordError(
    "reservation_not_found",
    `the decision ${decision_id} holds nothing: it had no estimate, or was not an allow`,
  );
}
