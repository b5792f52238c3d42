/** One action: standing, time, repeats, budgets, in the order of precedence of product.md. */
import { limits } from "../limits.js";
import { refuseSession } from "./access.js";
import { system_actor } from "./actor.js";
import { exceededOwner, exceededReason } from "./budget.js";
import type { Intercept } from "./command.js";
import { answer, type Decision, Draft } from "./decision.js";
import { endByTime, loseLeases } from "./lapse.js";
import { finishHolds, type Held, pauseOnPath } from "./pause.js";
import { isUnderStop, pathFromRoot } from "./scope.js";
import { haltOn } from "./standing.js";
import type { Session, StandingHalt, State } from "./state.js";
import { consumedBy, ended_reason, finishStops, kill, killBelow, type Stopped } from "./stop.js";
import { builtIn, decided, type Judgement, judged, repeated, type Subject } from "./verdict.js";
import { withoutSession } from "./without-session.js";

/** The policy by which a pause blocks. */
export const paused_policy = "__session_paused";

export function decideIntercept(state: State, command: Intercept): Decision {
  if (command.session_id === null) {
    return withoutSession(state, command);
  }
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const draft = new Draft(state, command);
  return (
    stopped(state, draft, command, session) ??
    held(state, draft, command, session, loseLeases(state, draft, command)) ??
    repeated(state, draft, command) ??
    budgeted(state, draft, command, session)
  );
}

/** Standing, then ttl, idle time and lease: everything that answers `terminate` before anything else. */
function stopped(state: State, draft: Draft, command: Intercept, session: Session): Decision | null {
  if (session.stop !== null) {
    if (session.terminates >= limits.terminates_sealed) {
      return repeatTerminate(session);
    }
    const { event, sequence, reason } = session.stop;
    return terminate(draft, command, session, { cause: { event, sequence }, reason: reason ?? ended_reason });
  }
  if (isUnderStop(state, session)) {
    const stops = finishStops(state, draft, pathFromRoot(state, session));
    return terminate(draft, command, session, stops.get(session.session_id) as Stopped);
  }
  const stops = endByTime(state, draft, command, session);
  if (stops !== null) {
    return terminate(draft, command, session, stops.get(session.session_id) as Stopped);
  }
  return null;
}

/**
 * A pause: it counts nothing, keeps no idempotency key, and comes before any that was used.
 *
 * @param holds pauses that were drafted just now, by session
 */
function held(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  holds: ReadonlyMap<string, Held>,
): Decision | null {
  if (state.paused_sessions === 0 && state.halts.size === 0 && holds.size === 0) {
    return null;
  }
  const halt = haltOn(state, session);
  const pause = pauseOnPath(state, session) ?? holds.get(session.session_id) ?? null;
  if (pause === null && halt === null) {
    return null;
  }
  if (pause === null) {
    finishHolds(state, draft, pathFromRoot(state, session), new Map());
  }
  // What stands nearest to the root is the reason; a pause may outlive the order that it began with.
  const { reason: reasoning } = (halt ?? pause) as StandingHalt | Held;
  const judgement: Judgement = {
    decision: "block",
    path: "session",
    reasoning,
    triggered: builtIn(paused_policy, "session paused", "block", reasoning),
  };
  const subject = subjectOf(session, command, session.actions.spent);
  return decided(draft, { ...command, repeat: null }, judgement, subject, null);
}

/** A stopped agent that goes on asking gets the same answer for ever, but not an entry for ever. */
function repeatTerminate(session: Session): Decision {
  return answer({
    type: "verdict",
    sequence: session.last_terminate_sequence as number,
    replayed: false,
    repeats_terminate_of: session.session_id,
  });
}

function budgeted(state: State, draft: Draft, command: Intercept, session: Session): Decision {
  const owner = exceededOwner(state, session);
  if (owner === null) {
    const judgement = judged(state, session.agent_id ?? command.agent_id);
    return decided(draft, command, judgement, subjectOf(session, command, session.actions.spent + 1), null);
  }
  const sequence = draft.add({
    event: "budget_exceeded",
    actor: system_actor,
    session_id: session.session_id,
    owner_session_id: owner.session_id,
    unit: "actions",
    limit: owner.actions.limit as number,
    spent: owner.actions.spent,
    reserved: 0,
    requested: 1,
    on_exceeded: "terminate",
  });
  const killed = kill(draft, owner, {
    actor: system_actor,
    stop_reason: "budget_exceeded",
    reason: exceededReason(owner.actions.limit as number),
    cause: { event: "budget_exceeded", sequence },
    halt_id: null,
  });
  const stops = killBelow(state, draft, owner, killed);
  return terminate(draft, command, session, stops.get(session.session_id) as Stopped);
}

function terminate(draft: Draft, command: Intercept, session: Session, { cause, reason }: Stopped): Decision {
  const judgement: Judgement = {
    decision: "terminate",
    path: "session",
    reasoning: reason,
    triggered: builtIn("__session_terminated", "session terminated", "terminate", reason),
  };
  return decided(draft, command, judgement, subjectOf(session, command, session.actions.spent), cause);
}

function subjectOf(session: Session, command: Intercept, actions: number): Subject {
  return {
    session_id: session.session_id,
    agent_id: session.agent_id ?? command.agent_id,
    credential_id: session.credential_id,
    consumed: consumedBy(session, actions),
  };
}
