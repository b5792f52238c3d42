/** One action, step by step in the order of precedence of product.md: the first that applies is the reason. */
import { limits } from "../limits.js";
import { refuseSession } from "./access.js";
import { system_actor } from "./actor.js";
import { amount_max, no_amounts } from "./budget.js";
import { type Excess, exceededActions, exceededCost, exceededReason, withoutRoom } from "./charge.js";
import type { Intercept } from "./command.js";
import { answer, type Decision, Draft } from "./decision.js";
import { claim, isApproved, withPerson } from "./escalation.js";
import type { Approval } from "./escalation-parts.js";
import type { Amounts } from "./event-parts.js";
import { judge } from "./judge.js";
import { endByTime, loseLeases } from "./lapse.js";
import { finishHolds, type Held, pauseOnPath, pauseWithAllBelow } from "./pause.js";
import { isUnderStop, pathFromRoot } from "./scope.js";
import { warnPath } from "./soft-limit.js";
import { haltOn } from "./standing.js";
import type { Session, StandingHalt, State } from "./state.js";
import { consumedBy, ended_reason, finishStops, kill, killBelow, reservedBy, type Stopped } from "./stop.js";
import { builtIn, decided, type Judgement, repeated, type Subject } from "./verdict.js";
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
    approved(state, draft, command, session) ??
    actionsExceeded(state, draft, command, session) ??
    judgedAndCharged(state, draft, command, session, null)
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
  return blockedByPause(draft, command, session, ((halt ?? pause) as StandingHalt | Held).reason);
}

/** It counts nothing and keeps no idempotency key: once the session goes on, the answer may be another. */
function blockedByPause(draft: Draft, command: Intercept, session: Session, reasoning: string): Decision {
  const judgement: Judgement = {
    decision: "block",
    path: "session",
    reasoning,
    triggered: builtIn(paused_policy, "session paused", "block", reasoning),
  };
  const subject = subjectOf(session, command);
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

/** The actions budget of the session, and of all above it. */
function actionsExceeded(state: State, draft: Draft, command: Intercept, session: Session): Decision | null {
  const excess = exceededActions(state, session);
  return excess === null ? null : exceed(state, draft, command, session, excess);
}

/** What a person has said of the action. One that was approved was counted when it was asked for. */
function approved(state: State, draft: Draft, command: Intercept, session: Session): Decision | null {
  const claimed = claim(state, command, session.agent_id ?? command.agent_id);
  if (claimed === null) {
    return null;
  }
  return claimed.type === "granted"
    ? judgedAndCharged(state, draft, command, session, claimed.approval)
    : refused(state, draft, command, session, claimed.judgement);
}

/** A refusal counts. Of an approved action that is known only when it is refused: then there may be no room. */
function refused(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  judgement: Judgement,
): Decision {
  return (
    actionsExceeded(state, draft, command, session) ?? counted(state, draft, command, session, judgement)
  );
}

/** Policies, then what the action costs: only one that is allowed is charged. */
function judgedAndCharged(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  approval: Approval | null,
): Decision {
  const agent_id = session.agent_id ?? command.agent_id;
  const asked = judge(state, command, session);
  const judgement = withPerson(state, asked, approval, session.session_id, agent_id);
  if (judgement.decision === "terminate") {
    return terminatedByPolicy(state, draft, command, session, judgement);
  }
  if (judgement.decision !== "allow") {
    return refused(state, draft, command, session, judgement);
  }
  const cost = command.cost ?? command.estimate;
  const excess = exceededCost(state, session, cost ?? no_amounts);
  if (excess !== null) {
    return exceed(state, draft, command, session, excess);
  }
  const refusal = cost === null ? null : withoutRoom(state, session, command, cost);
  if (refusal !== null) {
    return refused(state, draft, command, session, refusal);
  }
  return counted(state, draft, command, session, judgement, command.cost, command.estimate);
}

/** A policy stops the whole run: its action counts no more. */
function terminatedByPolicy(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  judgement: Judgement,
): Decision {
  const killed = kill(draft, session, {
    actor: system_actor,
    stop_reason: "policy",
    reason: judgement.reasoning,
    cause: { event: "policy_changed", sequence: judgement.terminated_by as number },
    halt_id: null,
  });
  killBelow(state, draft, session, killed);
  return decided(draft, command, judgement, subjectOf(session, command), killed.cause);
}

/** The decision on an action that counts, and what its session and those above it are told of their limits. */
function counted(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  judgement: Judgement,
  charge: Amounts | null = null,
  reservation: Amounts | null = null,
): Decision {
  const actions = isApproved(judgement) ? 0 : 1;
  const subject: Subject = {
    ...subjectOf(session, command),
    charge,
    reservation,
    consumed: consumedBy(session, actions, charge ?? no_amounts),
    reserved: reservedBy(session, reservation ?? no_amounts),
  };
  const decision = decided(draft, command, judgement, subject, null);
  warnPath(state, draft, session, actions, charge ?? no_amounts);
  return decision;
}

/** What a budget without room does to the session that it is of, and to all below it. */
function exceed(
  state: State,
  draft: Draft,
  command: Intercept,
  session: Session,
  { owner, unit, amount }: Excess,
): Decision {
  const { spent, reserved, overrun } = owner[unit];
  const limit = owner[unit].limit as number;
  const requested = Math.min(amount + overrun, amount_max);
  const sequence = draft.add({
    event: "budget_exceeded",
    actor: system_actor,
    session_id: session.session_id,
    owner_session_id: owner.session_id,
    unit,
    limit,
    spent,
    reserved,
    requested,
    on_exceeded: owner.on_exceeded,
  });
  const why = {
    actor: system_actor,
    reason: exceededReason({ unit, limit, spent, requested }),
    cause: { event: "budget_exceeded", sequence },
    halt_id: null,
  } as const;
  if (owner.on_exceeded === "pause") {
    const holds = pauseWithAllBelow(state, draft, owner, why);
    return blockedByPause(draft, command, session, (holds.get(session.session_id) as Held).reason);
  }
  const killed = kill(draft, owner, { ...why, stop_reason: "budget_exceeded" });
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
  return decided(draft, command, judgement, subjectOf(session, command), cause);
}

function subjectOf(session: Session, command: Intercept): Subject {
  return {
    session_id: session.session_id,
    agent_id: session.agent_id ?? command.agent_id,
    credential_id: session.credential_id,
    charge: null,
    reservation: null,
    consumed: consumedBy(session),
    reserved: reservedBy(session),
  };
}
