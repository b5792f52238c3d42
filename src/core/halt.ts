/**
 * The life of a stop, or of a pause while it lasts, as its client tells it: STOPPING, then STOPPED with
 * evidence. Both are sealed once, whoever repeats them; the first word counts.
 */
import { quoted, refuseSession } from "./access.js";
import type { AcknowledgeHalt } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import type { HaltAcknowledged, HaltConfirmed } from "./event-halt.js";
import type { HaltProgress, Session, State } from "./state.js";

/** Where a stop stands of which its client has said nothing yet. */
const nothing_said: HaltProgress = { acknowledged_at: null, confirmed_at: null, evidence: null };

/** How far the client of a stopped session is. */
export function progressOf(session: Session): HaltProgress {
  return session.halt ?? nothing_said;
}

export function acknowledgeHalt(state: State, command: AcknowledgeHalt): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const stop = session.stop ?? session.pause;
  if (stop === null) {
    return refuse("session_not_stopped", "the session is active: there is no stop to acknowledge");
  }
  if (stop.halt_id === null || stop.halt_id !== command.halt_id) {
    return refuse(
      "halt_not_found",
      `the session was not stopped or paused by ${quoted(command.halt_id)}: send the halt_id that the session shows`,
    );
  }
  const draft = new Draft(state, command);
  const { acknowledged_at, confirmed_at } = progressOf(session);
  if (command.evidence === null && acknowledged_at === null && confirmed_at === null) {
    draft.add({
      event: "halt_acknowledged",
      actor: command.actor,
      session_id: session.session_id,
      halt_id: stop.halt_id,
      via: command.via,
      delivered_at: command.delivered_at,
      acknowledged_at: command.at,
    });
  } else if (command.evidence !== null && confirmed_at === null) {
    draft.add({
      event: "halt_confirmed",
      actor: command.actor,
      session_id: session.session_id,
      halt_id: stop.halt_id,
      evidence: command.evidence,
      confirmed_at: command.at,
      elapsed_ms: command.at - stop.at,
    });
  }
  const reply = answer({ type: "session", session_id: session.session_id, replayed: false });
  return { reply: reply.reply, events: draft.events };
}

export function evolveHalt(state: State, event: HaltAcknowledged | HaltConfirmed): void {
  const session = state.sessions.get(event.session_id);
  if (session === undefined) {
    return;
  }
  const before = progressOf(session);
  session.halt =
    event.event === "halt_acknowledged"
      ? { ...before, acknowledged_at: event.acknowledged_at }
      : { ...before, confirmed_at: event.confirmed_at, evidence: event.evidence };
}
