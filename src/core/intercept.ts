/** One action: standing, time, repeats, budgets, in the order of precedence of product.md. */
import { limits } from "../limits.js";
import { keyOf, quoted, refuseSession } from "./access.js";
import { system_actor } from "./actor.js";
import { exceededOwner, exceededReason, expiryOnPath } from "./budget.js";
import type { Intercept } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import type { Cause, Consumed, PolicyTriggered, Verdict } from "./event-parts.js";
import { idAt } from "./ids.js";
import { finishHolds, pauseOnPath } from "./pause.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import { isUnderStop, pathFromRoot, revokedBy } from "./scope.js";
import { haltOn, haltOnScope } from "./standing.js";
import type { Session, SessionPause, StandingHalt, State } from "./state.js";
import {
  consumedBy,
  ended_reason,
  expire,
  finishStops,
  kill,
  killBelow,
  nothing_reserved,
  type Stopped,
} from "./stop.js";

/** SHA-256 of `[]`: no policies are in force (vault-format.md, 3: policy_changed). */
export const no_policies_digest = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";

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
    held(state, draft, command, session) ??
    repeated(state, command) ??
    budgeted(state, draft, command, session)
  );
}

/** Standing, then ttl and idle time: everything that answers `terminate` before anything else. */
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
  const expiry = expiryOnPath(state, session, command.at);
  if (expiry !== null) {
    const stops = expire(state, draft, expiry);
    return terminate(draft, command, session, stops.get(session.session_id) as Stopped);
  }
  return null;
}

/** A pause: it counts nothing, keeps no idempotency key, and comes before any that was used. */
function held(state: State, draft: Draft, command: Intercept, session: Session): Decision | null {
  if (state.paused_sessions === 0 && state.halts.size === 0) {
    return null;
  }
  const halt = haltOn(state, session);
  const pause = pauseOnPath(state, session);
  if (pause === null && halt === null) {
    return null;
  }
  if (pause === null) {
    finishHolds(state, draft, pathFromRoot(state, session), new Map());
  }
  // What stands nearest to the root is the reason; a pause may outlive the order that it began with.
  const { reason: reasoning } = (halt ?? pause) as StandingHalt | SessionPause;
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

function repeated(state: State, command: Intercept): Decision | null {
  const kept = keptRepeat(state, command);
  if (kept === null) {
    return null;
  }
  return (
    refuseOtherRequest(command) ??
    answer({ type: "verdict", sequence: kept.sequence, replayed: true, repeats_terminate_of: null })
  );
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

/** Policies and standing halts only, no budget, never `terminate`: a stopped agent gets `block`. */
function withoutSession(state: State, command: Intercept): Decision {
  const key = keyOf(state, command);
  if (key?.require_session) {
    return refuse(
      "session_required",
      "this credential must name a session: start one and send its session_id",
    );
  }
  if (
    key !== null &&
    key.agent_id !== null &&
    command.agent_id !== null &&
    key.agent_id !== command.agent_id
  ) {
    return refuse(
      "insufficient_permissions",
      `this key is bound to another agent than ${quoted(command.agent_id)}`,
    );
  }
  const agent_id = command.agent_id ?? key?.agent_id ?? null;
  const credential_id = key?.kind === "credential" ? key.key_id : null;
  const subject = { session_id: null, agent_id, credential_id, consumed: null };
  const stop = halted(state, agent_id, credential_id);
  if (stop !== null) {
    // It keeps no idempotency key: once it is lifted, the answer may be another.
    return decided(new Draft(state, command), { ...command, repeat: null }, stop, subject, null);
  }
  const judgement = judged(state, agent_id);
  // Standing goes before a repeat: no old allow passes a stop.
  const repeat = judgement.decision === "allow" ? repeated(state, command) : null;
  return repeat ?? decided(new Draft(state, command), command, judgement, subject, null);
}

/** A verdict and why it is given. */
interface Judgement {
  readonly decision: Verdict;
  readonly path: string;
  readonly reasoning: string;
  readonly triggered: readonly PolicyTriggered[];
}

/** Whom an action concerns, and what it leaves spent. */
interface Subject {
  readonly session_id: string | null;
  readonly agent_id: string | null;
  readonly credential_id: string | null;
  readonly consumed: Consumed | null;
}

function subjectOf(session: Session, command: Intercept, actions: number): Subject {
  return {
    session_id: session.session_id,
    agent_id: session.agent_id ?? command.agent_id,
    credential_id: session.credential_id,
    consumed: consumedBy(session, actions),
  };
}

/** What is said of an action that nothing stops: no policies are in force, so only its agent counts. */
function judged(state: State, agent_id: string | null): Judgement {
  const revoked = revokedBy(state, "agent", agent_id);
  return revoked === null
    ? { decision: "allow", path: "fast", reasoning: "No policies triggered", triggered: [] }
    : {
        decision: "block",
        path: "standard",
        reasoning: revoked.reason,
        triggered: builtIn("__agent_revoked", "agent revoked", "block", revoked.reason),
      };
}

/** A halt on what an action without a session stands on, from the root. */
function halted(state: State, agent_id: string | null, credential_id: string | null): Judgement | null {
  const halt =
    haltOnScope(state, "workspace", state.workspace_id) ??
    haltOnScope(state, "agent", agent_id) ??
    haltOnScope(state, "credential", credential_id);
  return halt === null
    ? null
    : {
        decision: "block",
        path: "standard",
        reasoning: halt.reason,
        triggered: builtIn("__scope_halted", "scope halted", "block", halt.reason),
      };
}

function builtIn(
  policy_id: string,
  name: string,
  decision: Verdict,
  reason: string,
): readonly PolicyTriggered[] {
  return [{ policy_id, name, decision, reason }];
}

function decided(
  draft: Draft,
  command: Intercept,
  judgement: Judgement,
  subject: Subject,
  cause: Cause | null,
): Decision {
  const sequence = draft.add(
    {
      event: "enforcement_decision",
      actor: command.actor,
      session_id: subject.session_id,
      decision_id: idAt("enf", draft.next_sequence),
      agent_id: subject.agent_id,
      credential_id: subject.credential_id,
      action_type: command.action_type,
      decision: judgement.decision,
      decision_path: judgement.path,
      reasoning: judgement.reasoning,
      trust_score: null,
      policies_triggered: judgement.triggered,
      policy_set_digest: no_policies_digest,
      latency_us: command.latency_us,
      chain: command.chain,
      action_digest: command.action_digest,
      action_length: command.action_length,
      details_digest: command.details_digest,
      charge: null,
      reservation: null,
      consumed: subject.consumed,
      reserved: subject.consumed === null ? null : nothing_reserved,
      cause,
      escalation_id: null,
    },
    command.repeat,
  );
  return {
    reply: { type: "verdict", sequence, replayed: false, repeats_terminate_of: null },
    events: draft.events,
  };
}
