/**
 * The life of a stop, or of a pause while it lasts: its client says STOPPING, then STOPPED with evidence.
 * A stop has a deadline, and STOPPED after it is sealed too: late is better than never; a pause has none,
 * since the server blocks each action by itself. Each is sealed once, whoever repeats it; the first word
 * counts.
 */
import { quoted, refuseSession } from "./access.js";
import type { AcknowledgeHalt, UnconfirmHalt } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import type { StopReason } from "./event.js";
import type { HaltAcknowledged, HaltConfirmed, HaltUnconfirmed } from "./event-halt.js";
import type { HaltProgress } from "./session-parts.js";
import type { Session, State } from "./state.js";

/** Where a stop stands of which nothing is sealed but itself. */
const nothing_said: HaltProgress = {
  delivered_at: null,
  via: null,
  acknowledged_at: null,
  acknowledged_by: null,
  confirmed_at: null,
  confirmed_by: null,
  evidence: null,
  unconfirmed_at: null,
  unconfirmed_why: null,
};

/** How far the client of a stopped session is. */
export function progressOf(session: Session): HaltProgress {
  return session.halt ?? nothing_said;
}

/** What the client of a session is to acknowledge: its stop, or its pause while it lasts. */
export interface HaltAt {
  readonly halt_id: string;
  readonly at: number;
  /** Index of the entry that stopped or holds the session. */
  readonly sequence: number;
  /** Null where it is held. */
  readonly stop_reason: StopReason | null;
}

/** Null for a session that is active, and for one that merely ended. */
export function haltAt({ stop, pause }: Session): HaltAt | null {
  if (stop === null) {
    return pause === null ? null : { ...pause, stop_reason: null };
  }
  const { halt_id } = stop;
  return halt_id === null ? null : { ...stop, halt_id };
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
      delivered_at: progressOf(session).delivered_at ?? command.delivered_at,
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

/** The timer of one stop: seals that nobody has confirmed it, if that is still so when its time is over. */
export function unconfirmHalt(state: State, command: UnconfirmHalt): Decision {
  const draft = new Draft(state, command);
  const session = state.sessions.get(command.session_id);
  const deadline_at = (session?.stop?.at ?? 0) + command.confirm_ms;
  if (session !== undefined && isUnsettled(session) && command.at >= deadline_at) {
    const { delivered_at, acknowledged_at } = progressOf(session);
    const known_at = delivered_at ?? command.delivered_at;
    draft.add({
      event: "halt_unconfirmed",
      actor: command.actor,
      session_id: session.session_id,
      halt_id: session.stop?.halt_id as string,
      why: known_at === null && acknowledged_at === null ? "no_client" : "deadline",
      delivered_at: known_at,
      deadline_at,
    });
  }
  return { reply: { type: "done" }, events: draft.events };
}

/** Whether a session was stopped by a stop that is neither confirmed nor unconfirmed yet. */
function isUnsettled(session: Session): boolean {
  const { confirmed_at, unconfirmed_at } = progressOf(session);
  return session.stop !== null && session.stop.halt_id !== null && (confirmed_at ?? unconfirmed_at) === null;
}

export function evolveHalt(state: State, event: HaltAcknowledged | HaltConfirmed | HaltUnconfirmed): void {
  if (event.event !== "halt_acknowledged") {
    state.unsettled.delete(event.session_id);
  }
  const session = state.sessions.get(event.session_id);
  if (session !== undefined) {
    session.halt = { ...progressOf(session), ...progressBy(event) };
  }
}

/** What an event adds to the progress of a stop. */
function progressBy(event: HaltAcknowledged | HaltConfirmed | HaltUnconfirmed): Partial<HaltProgress> {
  switch (event.event) {
    case "halt_acknowledged": {
      const { via, delivered_at, acknowledged_at, actor } = event;
      return { via, delivered_at, acknowledged_at, acknowledged_by: actor.key_id };
    }
    case "halt_confirmed": {
      const { confirmed_at, evidence, actor } = event;
      return { confirmed_at, evidence, confirmed_by: actor.key_id };
    }
    case "halt_unconfirmed": {
      const { deadline_at, delivered_at, why } = event;
      return { unconfirmed_at: deadline_at, unconfirmed_why: why, delivered_at };
    }
  }
}
