/** Why a session stopped: every stop names an earlier entry that had to stop it (vault-format.md, 3 and 9). */
import {
  type Cause,
  type Content,
  type HaltRequested,
  isTerminal,
  type SessionKilled,
  type Terminal,
} from "./content.js";
import { reaches, scopeKey } from "./scope.js";
import { type Item, type Session, type State, sessionOf } from "./state.js";

/** The entry that a cause names, if it is an earlier one of that event. */
function causeOf(state: State, cause: Cause): Content | undefined {
  const named = state.causes.get(cause.sequence);
  return named?.event === cause.event ? named : undefined;
}

function isAncestor(state: State, id: string, session: Session): boolean {
  if (state.header.kind === "slice") {
    return id !== session.id && session.start.parent_session_id !== null;
  }
  return session.lineage.slice(1).some((ancestor) => ancestor.id === id);
}

export function terminateWithoutCause(state: State, { content }: Item): string | null {
  if (content.event !== "enforcement_decision" || content.decision !== "terminate") {
    return null;
  }
  const session = sessionOf(state, content);
  const cause = content.cause === null ? undefined : causeOf(state, content.cause);
  const stopped =
    session !== undefined &&
    cause !== undefined &&
    isTerminal(cause) &&
    (cause.session_id === session.id || isAncestor(state, cause.session_id, session));
  return stopped ? null : "the cause is no earlier end of this session or of an ancestor";
}

export function killWithoutCause(state: State, { content }: Item): string | null {
  const session = sessionOf(state, content);
  if (session === undefined) {
    return null;
  }
  switch (content.event) {
    case "session_killed":
      return killFault(state, content, session);
    case "session_paused":
      return content.cause === null || pauses(state, content.cause, session)
        ? null
        : "the cause is none that pauses this session";
    case "session_ended": {
      const cause = content.cause === null ? undefined : causeOf(state, content.cause);
      return content.cause === null || (cause !== undefined && isAncestorsEnd(state, cause, session))
        ? null
        : "the cause is no earlier end of an ancestor";
    }
    default:
      return null;
  }
}

function killFault(state: State, content: SessionKilled, session: Session): string | null {
  const cause = causeOf(state, content.cause);
  const reason = cause === undefined ? null : killReason(state, cause, content.cause.sequence, session);
  if (reason === null) {
    return "the cause is none that kills this session";
  }
  return reason === content.stop_reason ? null : `this cause makes the stop_reason ${reason}`;
}

/** The stop_reason that follows from a cause, or null when it does not kill this session. */
function killReason(state: State, cause: Content, sequence: number, session: Session): string | null {
  switch (cause.event) {
    case "halt_requested":
      return cause.mode === "kill" && isHeld(state, cause, sequence, session)
        ? haltReason(cause, session)
        : null;
    case "credential_revoked": {
      const named =
        reaches(state, scopeKey("credential", cause.credential_id), session) ||
        (cause.cascade === "agent" &&
          cause.agent_id !== null &&
          reaches(state, scopeKey("agent", cause.agent_id), session));
      return named && sequence > session.start_sequence ? "credential_revoked" : null;
    }
    case "agent_revoked":
      return reaches(state, scopeKey("agent", cause.agent_id), session) && sequence > session.start_sequence
        ? "agent_revoked"
        : null;
    case "budget_exceeded":
      return cause.owner_session_id === session.id && cause.on_exceeded === "terminate"
        ? "budget_exceeded"
        : null;
    case "lease_lost":
      return cause.session_id === session.id && cause.on_lease_lost === "kill" ? "lease_lost" : null;
    case "policy_changed":
      return cause.policy?.decision === "terminate" ? "policy" : null;
    default:
      return isAncestorsEnd(state, cause, session) ? "parent_stopped" : null;
  }
}

function haltReason(cause: HaltRequested, session: Session): string {
  if (cause.drill_id !== null) {
    return "drill";
  }
  return cause.scope.kind === "session" && cause.scope.id === session.id ? "manual" : "halted";
}

/** A halt holds what started before it: under one in force nothing starts. */
function isHeld(state: State, halt: HaltRequested, sequence: number, session: Session): boolean {
  return (
    sequence > session.start_sequence && reaches(state, scopeKey(halt.scope.kind, halt.scope.id), session)
  );
}

function isAncestorsEnd(state: State, cause: Content, session: Session): cause is Terminal {
  return isTerminal(cause) && isAncestor(state, cause.session_id, session);
}

function pauses(state: State, { event, sequence }: Cause, session: Session): boolean {
  const cause = causeOf(state, { event, sequence });
  switch (cause?.event) {
    case "halt_requested":
      return cause.mode === "pause" && isHeld(state, cause, sequence, session);
    case "budget_exceeded":
      return cause.owner_session_id === session.id && cause.on_exceeded === "pause";
    case "lease_lost":
      return cause.session_id === session.id && cause.on_lease_lost === "pause";
    case "session_paused":
      return isAncestor(state, cause.session_id, session);
    default:
      return false;
  }
}

export function killWithoutActor(_state: State, { content }: Item): string | null {
  switch (content.event) {
    case "halt_requested":
    case "halt_lifted":
    case "credential_revoked":
    case "agent_revoked": {
      const { key_id, role } = content.actor;
      return key_id === null || role === "agent" || role === "system" ? "no person ordered this" : null;
    }
    default:
      return null;
  }
}
