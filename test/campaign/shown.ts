/** What a watcher was shown of a session, whichever way it came. */
import type { StreamDirective } from "../../gen/killcord/v1/enforcement_pb.js";
import { DirectiveKind } from "../../gen/killcord/v1/enforcement_pb.js";
import { type Session, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";

/** `stopped` where the way does not say how: a directive. */
export type Status = "active" | "paused" | "killed" | "expired" | "ended" | "stopped";

export interface Shown {
  readonly session_id: string;
  readonly status: Status;
  readonly halt_id: string | null;
  readonly stop_reason: string | null;
  readonly reason: string | null;
  /** Null where the way does not say it. */
  readonly actions: number | null;
}

/** One message: what it shows, if it shows a session, and where in the log it stands, if it says so. */
export interface Heard {
  readonly shown: Shown | null;
  readonly revision: number | null;
  readonly token: string | null;
}

export function isOver({ status }: Shown): boolean {
  return status !== "active" && status !== "paused";
}

export function ofMessage(session: Session): Shown {
  return {
    session_id: session.sessionId,
    status: SessionStatus[session.status].toLowerCase() as Status,
    halt_id: session.haltId ?? null,
    stop_reason: reasonOf(session.stopReason),
    reason: session.killReason ?? null,
    actions: Number(session.consumed?.actions),
  };
}

/** As REST and server-sent events show it. */
export function ofJson(session: Readonly<Record<string, unknown>>): Shown {
  const text = (name: string) => (session[name] === undefined ? null : String(session[name]));
  return {
    session_id: String(session.session_id),
    status: session.status as Status,
    halt_id: text("halt_id"),
    stop_reason: text("stop_reason"),
    reason: text("kill_reason"),
    actions: Number((session.consumed as { actions: number }).actions),
  };
}

export function ofDirective(session_id: string, directive: StreamDirective): Shown | null {
  const { kind, haltId, stopReason, reason } = directive;
  switch (kind) {
    case DirectiveKind.STOP:
      return {
        session_id,
        status: "stopped",
        halt_id: haltId ?? null,
        stop_reason: reasonOf(stopReason),
        reason,
        actions: null,
      };
    case DirectiveKind.END:
      return { session_id, status: "ended", halt_id: null, stop_reason: null, reason: null, actions: null };
    case DirectiveKind.PAUSE:
    case DirectiveKind.RESUME:
      return {
        session_id,
        status: kind === DirectiveKind.PAUSE ? "paused" : "active",
        halt_id: kind === DirectiveKind.PAUSE ? (haltId ?? null) : null,
        stop_reason: null,
        reason,
        actions: null,
      };
    default:
      return null;
  }
}

function reasonOf(reason: StopReason): string | null {
  return reason === StopReason.UNSPECIFIED ? null : StopReason[reason].toLowerCase();
}
