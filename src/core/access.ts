/** Who may do what to whom: the first in the order of precedence. Roles are checked at the door. */
import type { Command } from "./command.js";
import { type Decision, refuse } from "./decision.js";
import { isTerminal, type Key, type Session, type State } from "./state.js";

/** The key behind a command, or null for the engine itself. */
export function keyOf(state: State, command: Command): Key | null {
  return command.actor.key_id === null ? null : (state.keys.get(command.actor.key_id) ?? null);
}

/** What to use instead of a key that has expired. */
export function insteadOf(key: Key): string {
  if (key.replaced_by !== null) {
    return `${key.replaced_by} replaced it, use the secret of that one`;
  }
  return key.kind === "key" ? "ask an admin for a new one" : "issue a new one";
}

/** Whether a key is past its end. */
export function isExpired(key: Key, at: number): boolean {
  return key.expires_at !== null && at >= key.expires_at;
}

/**
 * Refuses a command whose key is unknown, revoked or expired. The key was good when the request
 * came in; this is the check that counts, in the same turn as the decision.
 */
export function refuseKey(state: State, command: Command): Decision | null {
  if (command.actor.key_id === null) {
    return null;
  }
  const key = keyOf(state, command);
  if (key === null) {
    return refuse("invalid_api_key", "the API key is not known: check KILLCORD_API_KEY");
  }
  if (key.revoked !== null) {
    return learnsStop(state, key, command)
      ? null
      : refuse("expired_api_key", `the key ${key.key_id} was revoked: stop, or ask an admin for a new one`);
  }
  return isExpired(key, command.at)
    ? refuse("expired_api_key", `the key ${key.key_id} has expired: ${insteadOf(key)}`)
    : null;
}

/** A revoked credential is good for one thing: learning and acknowledging that sessions of its agent are stopped. */
function learnsStop(state: State, key: Key, command: Command): boolean {
  if (
    key.kind !== "credential" ||
    (command.type !== "intercept" && command.type !== "touch_session" && command.type !== "acknowledge_halt")
  ) {
    return false;
  }
  const session = command.session_id === null ? undefined : state.sessions.get(command.session_id);
  return session !== undefined && isTerminal(session) && session.agent_id === key.agent_id;
}

/**
 * Whether a session is a key's own: of its agent, or, when it is bound to none, started by it or by
 * one that it was made of by rotation.
 */
export function owns(key: Key, session: Pick<Session, "agent_id" | "started_by">): boolean {
  return key.agent_id === null
    ? session.started_by !== null && key.line.includes(session.started_by)
    : session.agent_id === key.agent_id;
}

/** The id under which a caller's repeats are kept: a rotated key is still the same caller. */
export function callerId(state: State, key_id: string | null): string {
  return (key_id === null ? undefined : state.keys.get(key_id)?.line[0]) ?? key_id ?? "";
}

/** Refuses a session that does not exist, or that an agent may not touch. */
export function refuseSession(state: State, command: Command, session_id: string): Decision | null {
  const session = state.sessions.get(session_id);
  if (session === undefined) {
    return refuse("session_not_found", `there is no session ${quoted(session_id)} in this workspace`);
  }
  const key = keyOf(state, command);
  if (key !== null && command.actor.role === "agent" && !owns(key, session)) {
    return refuse(
      "insufficient_permissions",
      "the session is another agent's: use the key or credential that it runs on",
    );
  }
  return null;
}

/** A caller's text for a message: cut, and without anything that could forge a line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
