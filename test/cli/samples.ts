/** Messages that tests send. */
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Session, SessionSchema, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";

export const session_id = "sess_5f0c2a9be1d34c7788aa01f2";

const started = new Date("2026-11-22T20:17:00.125Z");

/** A run in the middle of its budget. */
export function activeSession(actions = 17): Session {
  return create(SessionSchema, {
    sessionId: session_id,
    status: SessionStatus.ACTIVE,
    agentId: "loan-bot",
    label: "loan-risk monitor",
    budgets: { maxActions: 200n, ttlSeconds: 3600n, onExceeded: 1 },
    consumed: { actions: BigInt(actions), elapsedSeconds: 41n },
    startedAt: timestampFromDate(started),
    expiresAt: timestampFromDate(new Date(started.getTime() + 3_600_000)),
  });
}

/** The same run, held. */
export function heldSession(reason: string): Session {
  const session = activeSession();
  session.status = SessionStatus.PAUSED;
  session.pauseReason = reason;
  session.haltId = "halt_0c1d2e3f4a5b";
  session.pausedAt = timestampFromDate(new Date(started.getTime() + 41_000));
  return session;
}

/** The same run, stopped. */
export function killedSession(actions = 18): Session {
  const session = activeSession(actions);
  session.status = SessionStatus.KILLED;
  session.stopReason = StopReason.MANUAL;
  session.killReason = "manual stop";
  session.haltId = "halt_0c1d2e3f4a5b";
  session.stoppedAt = timestampFromDate(new Date(started.getTime() + 63_275));
  return session;
}
