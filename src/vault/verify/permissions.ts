/** What must not happen under a stop, a pause or after a deadline (vault-format.md, 9). */
import type { Content, EnforcementDecision } from "./content.js";
import { isStopped, pathOf, pathOfCaller } from "./scope.js";
import { endedOn, type Item, openSession, pausedOn, type Session, type State, sessionOf } from "./state.js";

export function startWhileStopped(state: State, { sequence, content }: Item): string | null {
  if (content.event !== "session_started") {
    return null;
  }
  const session = openSession(state, sequence, content);
  if (endedOn(session) !== undefined) {
    return "an ancestor of the session has ended";
  }
  return isStopped(state, pathOf(state, session)) ? "the session starts on a path that is stopped" : null;
}

export function actionAfterEnd(state: State, { content }: Item): string | null {
  const session = sessionOf(state, content);
  return content.event === "enforcement_decision" &&
    content.decision !== "terminate" &&
    session !== undefined &&
    endedOn(session) !== undefined
    ? `${content.decision} after the session or an ancestor has ended`
    : null;
}

/** Whether a decision lets its action be done. */
export function isAllow(content: Content): content is EnforcementDecision {
  return (
    content.event === "enforcement_decision" &&
    (content.decision === "allow" || content.decision === "allow_with_warning")
  );
}

export function allowWhileHalted(state: State, { content }: Item): string | null {
  if (!isAllow(content)) {
    return null;
  }
  const session = sessionOf(state, content);
  const path =
    session === undefined
      ? pathOfCaller(state, content.agent_id, content.credential_id)
      : pathOf(state, session);
  return isStopped(state, path) ? "an allow on a path that is stopped" : null;
}

export function allowWhilePaused(state: State, { content }: Item): string | null {
  const session = isAllow(content) ? sessionOf(state, content) : undefined;
  return session !== undefined && pausedOn(session) !== undefined
    ? "an allow while the session or an ancestor is paused"
    : null;
}

export function allowAfterExpiry(state: State, { content }: Item): string | null {
  const session = isAllow(content) ? sessionOf(state, content) : undefined;
  const over = ({ expires_at }: Session) => expires_at !== null && content.at >= expires_at;
  return session?.lineage.some(over) === true ? "an allow at or after expires_at" : null;
}

export function approvedAfterEnd(state: State, { content }: Item): string | null {
  if (content.event !== "escalation_resolved" || content.resolution !== "approved") {
    return null;
  }
  const asked = state.escalations.get(content.escalation_id)?.session_id ?? content.session_id;
  const session = asked === null ? undefined : state.sessions.get(asked);
  return session !== undefined && (endedOn(session) !== undefined || isStopped(state, pathOf(state, session)))
    ? "approved for a session that has ended or is stopped"
    : null;
}
