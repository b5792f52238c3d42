/** Closes reservations: an action says what it cost, or that it was not done. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CancelReservationRequest,
  type CancelReservationResponse,
  type Cost,
  ReservationOutcome,
  type SettleRequest,
  type SettleResponseSchema,
  type StreamSettle,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { Unstamped } from "../core/command.js";
import type { EnforcementDecision, Event } from "../core/event.js";
import type { ReservationSettled } from "../core/event-budget.js";
import type { Amounts } from "../core/event-parts.js";
import { consumedBy, reservedBy } from "../core/stop.js";
import { amountsAsked, amountsView, amountsViewIfAny } from "./amounts.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { answered } from "./present.js";
import { closingOf, ownDecision } from "./sealed-decision.js";
import { invalid } from "./validate.js";
import { consumedView, given, statusOf } from "./view.js";
import { warningsView } from "./warnings.js";

/** What is answered, in the reply of either method. */
export type ClosedReservation = Omit<CancelReservationResponse, "$typeName" | "$unknown">;

/** The same, with what a settlement warns of. */
export type Settled = ClosedReservation & Pick<MessageInitShape<typeof SettleResponseSchema>, "warnings">;

/** Closes a reservation by what its action cost; what is left out cost nothing. */
export async function settle(context: Context, { decisionId, cost }: SettleRequest, call: Call) {
  return settled(context, await reserving(context, decisionId, call), cost, call);
}

/** Gives back what an action holds. */
export async function cancelReservation(
  context: Context,
  { decisionId }: CancelReservationRequest,
  call: Call,
) {
  return cancelled(context, await reserving(context, decisionId, call), call);
}

/**
 * Closes a reservation of the session that a stream is open on.
 *
 * @throws {KillcordError} also for a decision of another session
 */
export async function closeOnStream(
  context: Context,
  { decisionId, cost, cancel }: StreamSettle,
  session_id: string,
  call: Call,
): Promise<ClosedReservation | Settled> {
  if (cancel && cost !== undefined) {
    throw invalid([{ field: "settle.cost", issue: "goes without cancel: what was not done cost nothing" }]);
  }
  const decision = await reserving(context, decisionId, call);
  if (decision.session_id !== session_id) {
    throw invalid([{ field: "settle.decision_id", issue: "the stream is open on another session" }]);
  }
  return cancel ? cancelled(context, decision, call) : settled(context, decision, cost, call);
}

/** A decision that the caller may see, and that held something. */
async function reserving(context: Context, decision_id: string, call: Call): Promise<EnforcementDecision> {
  const { decision } = await ownDecision(context, decision_id, call);
  if (decision.reservation === null) {
    throw new KillcordError(
      "reservation_not_found",
      `the decision ${decision_id} holds nothing: it had no estimate, or was not an allow`,
    );
  }
  return decision;
}

async function settled(
  context: Context,
  { decision_id }: EnforcementDecision,
  cost: Cost | undefined,
  call: Call,
): Promise<Settled> {
  const reported: Amounts =
    cost === undefined ? { tokens: 0, cost_usd_micros: 0 } : amountsAsked(cost, "cost");
  const command = { type: "settle", decision_id, reported, ...by(call) } as const;
  const { closing, events } = await close(context, command, call);
  // Of one that was cancelled or has lapsed nothing was reported.
  if (!isSame(closing.reported, reported)) {
    throw new KillcordError("reservation_closed", closedText(closing));
  }
  return { ...(await closedView(context, closing)), warnings: warningsView(closing, events) };
}

async function cancelled(
  context: Context,
  { decision_id }: EnforcementDecision,
  call: Call,
): Promise<ClosedReservation> {
  const command = { type: "cancel_reservation", decision_id, ...by(call) } as const;
  const { closing } = await close(context, command, call);
  return closedView(context, closing);
}

/** How a reservation is closed: now, with what was sealed beside it, or before. */
async function close(
  context: Context,
  command: Unstamped,
  call: Call,
): Promise<{ readonly closing: ReservationSettled; readonly events: readonly Event[] }> {
  const { events, reply } = await submit(context, call, command, "settlement");
  const fresh = events.find((event) => event.event === "reservation_settled");
  return fresh === undefined
    ? { closing: await closingOf(context, reply.decision_id), events: [] }
    : { closing: fresh, events };
}

function isSame(one: Amounts | null, other: Amounts): boolean {
  return one !== null && one.tokens === other.tokens && one.cost_usd_micros === other.cost_usd_micros;
}

const how_closed: Readonly<Record<ReservationSettled["outcome"], string>> = {
  settled: "was settled with another cost",
  cancelled: "was cancelled",
  lapsed: "was not settled in time and counts as it was estimated",
};

function closedText({ decision_id, outcome }: ReservationSettled): string {
  return `the reservation of ${decision_id} ${how_closed[outcome]}: what is sealed of it stays`;
}

const outcomes: Readonly<Record<ReservationSettled["outcome"], ReservationOutcome>> = {
  settled: ReservationOutcome.SETTLED,
  cancelled: ReservationOutcome.CANCELLED,
  lapsed: ReservationOutcome.LAPSED,
};

async function closedView(context: Context, closing: ReservationSettled): Promise<ClosedReservation> {
  const session = await answered(context, closing.session_id);
  return {
    decisionId: closing.decision_id,
    outcome: outcomes[closing.outcome],
    spent: amountsView(closing.spent),
    consumed: consumedView(session, consumedBy(session), context.engine.clock.now()),
    sessionStatus: statusOf(session),
    ...given("reported", closing.reported === null ? null : amountsView(closing.reported)),
    ...given("reserved", amountsViewIfAny(reservedBy(session))),
  };
}
