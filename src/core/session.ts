/** Opening and ending sessions. */
import { limits } from "../limits.js";
import { insteadOf, isExpired, keyOf, quoted, refuseSession } from "./access.js";
import type { Command, EndSession, ExpireSession, StartSession, TouchSession } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import type { SessionStarted } from "./event.js";
import { endByTime, lapse } from "./lapse.js";
import { type Above, type Asked, bringsNone, givenBudgets } from "./policy/session-budgets.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import { isUnderStop, pathFromRoot, revokedBy } from "./scope.js";
import { haltedText, haltOn, haltOnScope } from "./standing.js";
import type { Session, StandingHalt, State } from "./state.js";
import { consumedBy, ended_reason, killBelow, reservedBy } from "./stop.js";

export function startSession(state: State, command: StartSession): Decision {
  const bound = bind(state, command);
  if ("reply" in bound) {
    return bound;
  }
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? sessionReply(kept.subject_id, true);
  }
  const draft = new Draft(state, command);
  const given = givenBudgets(state.policies, { agent_id: bound.agent_id, label: command.label }, command);
  const refusal =
    refuseScope(state, command, bound) ??
    refuseParent(state, command, draft) ??
    refuseNumber(state, bound.agent_id);
  if (refusal !== null || "refused" in given) {
    const { reply } = refusal ?? refuse("above_ceiling", (given as Above).refused);
    // A parent that was found past its time expires even though nothing starts under it.
    return { reply, events: draft.events };
  }
  const { budgets, policies } = given;
  draft.add(
    {
      event: "session_started",
      actor: command.actor,
      session_id: command.session_id,
      agent_id: bound.agent_id,
      credential_id: bound.credential_id,
      parent_session_id: command.parent_session_id,
      labels: command.label === null ? [] : [command.label],
      budgets: budgetsOf(budgets, command),
      expires_at: budgets.ttl_seconds === null ? null : command.at + budgets.ttl_seconds * 1000,
      on_exceeded: budgets.on_exceeded,
      lease_seconds: command.lease_seconds,
      on_lease_lost: command.on_lease_lost,
      drill_id: command.drill_id ?? null,
      ...(policies.length === 0 ? {} : { budget_policies: policies }),
    },
    command.repeat,
  );
  return { reply: sessionReply(command.session_id, false).reply, events: draft.events };
}

function budgetsOf(given: Asked, asked: Asked): SessionStarted["budgets"] {
  const { max_actions, max_tokens, max_cost_usd_micros, ttl_seconds, idle_timeout_seconds } = given;
  const { max_depth, max_concurrent, warn_at_percent } = given;
  return {
    max_actions,
    max_tokens,
    max_cost_usd_micros,
    ttl_seconds,
    // A run that brings no budget, and crashes, would stay active for ever: unless policies gave it a time.
    idle_timeout_seconds:
      bringsNone(asked) && ttl_seconds === null
        ? (idle_timeout_seconds ?? limits.default_idle_timeout_seconds)
        : idle_timeout_seconds,
    ...(max_depth === null ? {} : { max_depth }),
    ...(max_concurrent === null ? {} : { max_concurrent }),
    ...(warn_at_percent.length === 0 ? {} : { warn_at_percent }),
  };
}

interface Bound {
  readonly agent_id: string | null;
  readonly credential_id: string | null;
}

/** The agent and credential that a new session stands on; a bound key brings its own. */
function bind(state: State, command: StartSession): Bound | Decision {
  const key = keyOf(state, command);
  const own_credential = key?.kind === "credential" ? key.key_id : null;
  if (
    key !== null &&
    key.agent_id !== null &&
    command.agent_id !== null &&
    command.agent_id !== key.agent_id
  ) {
    return refuse(
      "insufficient_permissions",
      `this key is bound to another agent than ${quoted(command.agent_id)}`,
    );
  }
  if (own_credential !== null && command.credential_id !== null && command.credential_id !== own_credential) {
    return refuse(
      "insufficient_permissions",
      "a session started with a credential is bound to that credential",
    );
  }
  const credential_id = own_credential ?? command.credential_id;
  const agent_id = command.agent_id ?? key?.agent_id ?? null;
  if (credential_id === null) {
    return { agent_id, credential_id };
  }
  const credential = state.keys.get(credential_id);
  if (credential?.kind !== "credential" || (agent_id !== null && credential.agent_id !== agent_id)) {
    return refuse("credential_not_found", `there is no credential ${quoted(credential_id)} of this agent`);
  }
  return { agent_id: credential.agent_id, credential_id };
}

/** From the root down. */
function refuseScope(state: State, command: StartSession, bound: Bound): Decision | null {
  return (
    refuseHalted(haltOnScope(state, "workspace", state.workspace_id)) ??
    refuseRevoked(state, command, bound) ??
    refuseHalted(haltOnScope(state, "agent", bound.agent_id)) ??
    refuseHalted(haltOnScope(state, "credential", bound.credential_id)) ??
    refuseHalted(haltOnScope(state, "label", command.label))
  );
}

function refuseHalted(halt: StandingHalt | null): Decision | null {
  return halt === null ? null : refuse("scope_halted", haltedText(halt));
}

function refuseRevoked(state: State, command: StartSession, bound: Bound): Decision | null {
  if (revokedBy(state, "agent", bound.agent_id) !== null) {
    return refuse(
      "agent_suspended",
      `the agent ${quoted(bound.agent_id as string)} was revoked: it may not run`,
    );
  }
  if (revokedBy(state, "credential", bound.credential_id) !== null) {
    return refuse("credential_revoked", `the credential ${bound.credential_id} was revoked: issue a new one`);
  }
  const credential = bound.credential_id === null ? undefined : state.keys.get(bound.credential_id);
  return credential !== undefined && isExpired(credential, command.at)
    ? refuse(
        "credential_revoked",
        `the credential ${bound.credential_id} has expired: ${insteadOf(credential)}`,
      )
    : null;
}

function refuseParent(state: State, command: StartSession, draft: Draft): Decision | null {
  if (command.parent_session_id === null) {
    return null;
  }
  const refusal = refuseSession(state, command, command.parent_session_id);
  if (refusal !== null) {
    return refusal;
  }
  const parent = state.sessions.get(command.parent_session_id) as Session;
  if (isUnderStop(state, parent) || endByTime(state, draft, command, parent) !== null) {
    return refuse("session_not_active", "the parent session is stopped: nothing starts under it");
  }
  const halted = refuseHalted(haltOn(state, parent));
  if (halted !== null) {
    return halted;
  }
  if (parent.pause !== null) {
    return refuse(
      "session_not_active",
      "the parent session is paused: nothing starts under it until it goes on",
    );
  }
  return refuseDepth(state, parent);
}

/** Levels are counted from each session that limits them. */
function refuseDepth(state: State, parent: Session): Decision | null {
  if (parent.level >= limits.session_levels) {
    return refuse("session_not_active", `sub-sessions go at most ${limits.session_levels} levels deep`);
  }
  for (const { session_id, level, max_depth } of pathFromRoot(state, parent)) {
    if (max_depth !== null && parent.level + 1 - level > max_depth) {
      return refuse(
        "session_not_active",
        `sub-sessions of ${quoted(session_id)} go at most ${max_depth} levels deep: max_depth ${max_depth}`,
      );
    }
  }
  return null;
}

function refuseNumber(state: State, agent_id: string | null): Decision | null {
  if (state.live_sessions >= limits.live_sessions) {
    return refuse("session_limit_reached", `${limits.live_sessions} sessions are live: end some, or wait`);
  }
  if (agent_id !== null && !state.agents.has(agent_id) && state.agents.size >= limits.agents) {
    return refuse("limit_reached", `${limits.agents} agents are known: reuse a name`);
  }
  return null;
}

export function touchSession(state: State, command: TouchSession): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const draft = new Draft(state, command);
  lapse(state, draft, command, session);
  return { reply: sessionReply(session.session_id, false).reply, events: draft.events };
}

export function endSession(state: State, command: EndSession): Decision {
  const refusal = refuseSession(state, command, command.session_id);
  if (refusal !== null) {
    return refusal;
  }
  const session = state.sessions.get(command.session_id) as Session;
  const touched = touchOrStopped(state, command, session);
  if (touched !== null) {
    return touched;
  }
  const draft = new Draft(state, command);
  const sequence = draft.add({
    event: "session_ended",
    actor: command.actor,
    session_id: session.session_id,
    agent_id: session.agent_id,
    reason: null,
    cause: null,
    consumed: consumedBy(session),
    reserved: reservedBy(session),
  });
  killBelow(state, draft, session, { cause: { event: "session_ended", sequence }, reason: ended_reason });
  return { reply: sessionReply(session.session_id, false).reply, events: draft.events };
}

/** The reply for a session that is stopped already, or whose time turns out to be over. */
export function touchOrStopped(state: State, command: Command, session: Session): Decision | null {
  if (session.stop !== null) {
    return sessionReply(session.session_id, false);
  }
  const draft = new Draft(state, command);
  return endByTime(state, draft, command, session) === null
    ? null
    : { reply: sessionReply(session.session_id, false).reply, events: draft.events };
}

/** The timer of one session: what time ends is what an action of it would find. */
export function expireSession(state: State, command: ExpireSession): Decision {
  const draft = new Draft(state, command);
  const session = state.sessions.get(command.session_id);
  if (session !== undefined) {
    lapse(state, draft, command, session);
  }
  return { reply: { type: "done" }, events: draft.events };
}

export function sessionReply(session_id: string, replayed: boolean): Decision {
  return answer({ type: "session", session_id, replayed });
}
