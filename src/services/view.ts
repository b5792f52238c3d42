/** Records of the core as messages of the API. */
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Consumed,
  ConsumedSchema,
  SessionStatus,
  StopReason as StopReasonCode,
} from "../../gen/killcord/v1/session_pb.js";
import type { StopReason } from "../core/event.js";
import type { Consumed as SealedConsumed } from "../core/event-parts.js";
import type { Session } from "../core/state.js";

const statuses: Readonly<Record<Session["status"], SessionStatus>> = {
  active: SessionStatus.ACTIVE,
  paused: SessionStatus.PAUSED,
  killed: SessionStatus.KILLED,
  expired: SessionStatus.EXPIRED,
  ended: SessionStatus.ENDED,
};

const stop_reasons: Readonly<Record<StopReason, StopReasonCode>> = {
  manual: StopReasonCode.MANUAL,
  budget_exceeded: StopReasonCode.BUDGET_EXCEEDED,
  ttl_expired: StopReasonCode.TTL_EXPIRED,
  idle_timeout: StopReasonCode.IDLE_TIMEOUT,
  lease_lost: StopReasonCode.LEASE_LOST,
  credential_revoked: StopReasonCode.CREDENTIAL_REVOKED,
  agent_revoked: StopReasonCode.AGENT_REVOKED,
  halted: StopReasonCode.HALTED,
  drill: StopReasonCode.DRILL,
  policy: StopReasonCode.POLICY,
  parent_stopped: StopReasonCode.PARENT_STOPPED,
};

/** The status of a session as the API has it. */
export function statusOf(session: Session): SessionStatus {
  return statuses[session.status];
}

/** The status of the core that a status of the API asks for, or null: none of this version. */
export function statusAsked(status: SessionStatus): Session["status"] | null {
  const found = Object.entries(statuses).find(([, code]) => code === status);
  return found === undefined ? null : (found[0] as Session["status"]);
}

export function stopReasonOf(reason: StopReason | null): StopReasonCode {
  return reason === null ? StopReasonCode.UNSPECIFIED : stop_reasons[reason];
}

/** A time of the core as a timestamp. */
export function timestamp(at: number): Timestamp {
  return timestampFromMs(at);
}

/** A member that is there only when it has a value. */
export function given<Name extends string, Value>(
  name: Name,
  value: Value | null | undefined,
): { [N in Name]?: Value } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}

/** What a session has used, with the whole seconds from its start to `at` or to its stop. */
export function consumedView(session: Session, consumed: SealedConsumed, at: number): Consumed {
  const end = Math.min(session.stop?.at ?? at, at);
  return create(ConsumedSchema, {
    actions: BigInt(consumed.actions),
    tokens: BigInt(consumed.tokens),
    costUsdMicros: BigInt(consumed.cost_usd_micros),
    elapsedSeconds: BigInt(Math.max(0, Math.floor((end - session.started_at) / 1000))),
  });
}
