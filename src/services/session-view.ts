/** A session of the core as a message. */
import { create } from "@bufbuild/protobuf";
import { type Session as SessionMessage, SessionSchema } from "../../gen/killcord/v1/session_pb.js";
import type { Amounts } from "../core/event-parts.js";
import type { Session } from "../core/state.js";
import { consumedBy, reservedBy } from "../core/stop.js";
import { amountsViewIfAny } from "./amounts.js";
import { budgetsView } from "./budgets.js";
import { leaseView } from "./lease.js";
import { consumedView, given, statusOf, stopReasonOf, timestamp } from "./view.js";

/**
 * A session as a message.
 *
 * @param at engine time: what is elapsed
 * @param heard_at when its last heartbeat came, or null
 */
export function sessionView(session: Session, at: number, heard_at: number | null): SessionMessage {
  const { stop, pause } = session;
  return create(SessionSchema, {
    sessionId: session.session_id,
    status: statusOf(session),
    budgets: budgetsView(session),
    consumed: consumedView(session, consumedBy(session), at),
    stopReason: stopReasonOf(stop?.stop_reason ?? null),
    startedAt: timestamp(session.started_at),
    ...given("reserved", amountsViewIfAny(reservedBy(session))),
    ...given("overrun", amountsViewIfAny(overrunOf(session))),
    ...given("agentId", session.agent_id),
    ...given("label", session.label),
    ...given("credentialId", session.credential_id),
    ...given("parentSessionId", session.parent_session_id),
    ...given("killReason", stop?.stop_reason == null ? null : stop.reason),
    ...given(
      "expiresAt",
      session.ttl_seconds === null ? null : timestamp(session.started_at + session.ttl_seconds * 1000),
    ),
    ...given("lastActionAt", session.last_action_at === null ? null : timestamp(session.last_action_at)),
    ...given("lastHeartbeatAt", heard_at === null ? null : timestamp(heard_at)),
    ...leaseView(session),
    ...given("drillId", session.drill_id),
    ...given("haltId", stop?.halt_id ?? pause?.halt_id),
    ...given("pauseReason", pause?.reason),
    ...given("pausedAt", pause === null ? null : timestamp(pause.at)),
    ...given("stoppedAt", stop === null ? null : timestamp(stop.at)),
  });
}

/** What was spent beyond the limits, as it was reported. */
function overrunOf({ tokens, cost_usd_micros }: Session): Amounts {
  return { tokens: tokens.overrun, cost_usd_micros: cost_usd_micros.overrun };
}
