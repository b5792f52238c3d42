/**
 * The rules: what a command leads to in a state. Pure: it writes nothing, knows no clock and no
 * chance, and never throws for a "no".
 */
import { refuseKey } from "./access.js";
import { no_amounts } from "./budget.js";
import type { Command } from "./command.js";
import type { FinishCascades, SealHeartbeat, SumUpTerminates } from "./command-engine.js";
import {
  createKey,
  issueCredential,
  registerAgent,
  revokeAgent,
  revokeCredential,
  revokeKey,
} from "./credential.js";
import { type Decision, Draft } from "./decision.js";
import { endDrill, startDrill } from "./drill.js";
import { expireEscalation, finishEscalations, resolveEscalation } from "./escalation.js";
import { acknowledgeHalt, unconfirmHalt } from "./halt.js";
import { idAt } from "./ids.js";
import { decideIntercept } from "./intercept.js";
import { killSession, liftHalt, orderHalt, pauseSession, resumeSession } from "./order.js";
import { finishHolds } from "./pause.js";
import { changePolicy } from "./policy/change.js";
import { updateBudgets } from "./raise.js";
import { cancelReservation, lapseReservation, settle } from "./reservation.js";
import { rotateKey } from "./rotation.js";
import { endSession, expireSession, startSession, touchSession } from "./session.js";
import { warn } from "./soft-limit.js";
import type { State } from "./state.js";
import { finishStops } from "./stop.js";

export function decide(state: State, command: Command): Decision {
  const refusal = refuseKey(state, command);
  if (refusal !== null) {
    return refusal;
  }
  switch (command.type) {
    case "start_session":
      return startSession(state, command);
    case "intercept":
      return decideIntercept(state, command);
    case "settle":
      return settle(state, command);
    case "cancel_reservation":
      return cancelReservation(state, command);
    case "lapse_reservation":
      return lapseReservation(state, command);
    case "update_budgets":
      return updateBudgets(state, command);
    case "touch_session":
      return touchSession(state, command);
    case "kill_session":
      return killSession(state, command);
    case "end_session":
      return endSession(state, command);
    case "order_halt":
      return orderHalt(state, command);
    case "lift_halt":
      return liftHalt(state, command);
    case "pause_session":
      return pauseSession(state, command);
    case "resume_session":
      return resumeSession(state, command);
    case "acknowledge_halt":
      return acknowledgeHalt(state, command);
    case "unconfirm_halt":
      return unconfirmHalt(state, command);
    case "expire_session":
      return expireSession(state, command);
    case "start_drill":
      return startDrill(state, command);
    case "end_drill":
      return endDrill(state, command);
    case "register_agent":
      return registerAgent(state, command);
    case "revoke_agent":
      return revokeAgent(state, command);
    case "issue_credential":
      return issueCredential(state, command);
    case "revoke_credential":
      return revokeCredential(state, command);
    case "create_key":
      return createKey(state, command);
    case "rotate_key":
      return rotateKey(state, command);
    case "revoke_key":
      return revokeKey(state, command);
    case "change_policy":
      return changePolicy(state, command);
    case "resolve_escalation":
      return resolveEscalation(state, command);
    case "expire_escalation":
      return expireEscalation(state, command);
    case "sum_up_terminates":
      return sumUpTerminates(state, command);
    case "seal_heartbeat":
      return sealHeartbeat(state, command);
    case "finish_cascades":
      return finishCascades(state, command);
  }
}

/** Every session is visited, once, at the start. */
function finishCascades(state: State, command: FinishCascades): Decision {
  const draft = new Draft(state, command);
  const oldest_first = [...state.sessions.values()].sort((a, b) => a.start_sequence - b.start_sequence);
  const stops = finishStops(state, draft, oldest_first);
  finishHolds(state, draft, oldest_first, stops);
  finishEscalations(state, draft);
  const live = oldest_first.filter(({ session_id }) => !stops.has(session_id));
  warn(draft, live, 0, no_amounts);
  return { reply: { type: "done" }, events: draft.events };
}

function sumUpTerminates(state: State, command: SumUpTerminates): Decision {
  const session = state.sessions.get(command.session_id);
  const draft = new Draft(state, command);
  if (session !== undefined && session.last_terminate_sequence !== null) {
    draft.add({
      event: "notice",
      actor: command.actor,
      session_id: session.session_id,
      kind: "repeated_terminates",
      body: { decision_id: idAt("enf", session.last_terminate_sequence), count: command.count },
    });
  }
  return { reply: { type: "done" }, events: draft.events };
}

function sealHeartbeat(state: State, command: SealHeartbeat): Decision {
  const draft = new Draft(state, command);
  draft.add({
    event: "heartbeat",
    actor: command.actor,
    interval_seconds: command.interval_seconds,
    decisions: state.decisions,
    terminations: state.terminations,
    live_sessions: state.live_sessions,
    tree: null,
    witness: null,
  });
  return { reply: { type: "done" }, events: draft.events };
}
