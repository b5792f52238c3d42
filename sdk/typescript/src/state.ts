/** Where a session stands, as far as this process knows, and how that changes: it only ever advances. */
import { SessionStatus, type Session as WireSession } from "../gen/killcord/v1/session_pb.js";
import { SessionTerminated, type Termination } from "./errors.js";
import { isTerminal, statusWord, stopReasonWord } from "./words.js";

export type State =
  | { readonly kind: "active" }
  /** Held by an operator, or in a way that this library is too old to know: nothing is allowed. */
  | { readonly kind: "paused"; readonly reason: string; readonly by_lease?: true }
  /** Over. Nothing leaves it. */
  | { readonly kind: "stopped"; readonly terminated: SessionTerminated };

/** The state that a message of the server shows. */
export function shownState(session: WireSession): State {
  if (isTerminal(session.status)) {
    return { kind: "stopped", terminated: new SessionTerminated(terminationOf(session)) };
  }
  if (session.status === SessionStatus.ACTIVE) return { kind: "active" };
  if (session.status === SessionStatus.PAUSED) {
    return { kind: "paused", reason: session.pauseReason ?? "paused by operator" };
  }
  return {
    kind: "paused",
    reason: `the server says ${statusWord(session.status)}, which this version of the library does not know`,
  };
}

/** How a terminal session came to its end. */
function terminationOf(session: WireSession): Termination {
  return {
    sessionId: session.sessionId,
    status: statusWord(session.status),
    stopReason: stopReasonWord(session.stopReason),
    reason: session.killReason ?? "",
    haltId: session.haltId,
  };
}
