/** The path of a session: every scope whose stop reaches it (vault-format.md, 9, "Replay"). */
import type { Scope } from "./content.js";
import type { Session, State } from "./state.js";

/** One text for a scope. There is one workspace to a log, whatever its halt calls it. */
export function scopeKey(kind: Scope["kind"], id: string): string {
  return kind === "workspace" ? "workspace" : `${kind}:${id}`;
}

function* callerKeys(state: State, agent_id: string | null, credential_id: string | null): Generator<string> {
  if (agent_id !== null) {
    yield scopeKey("agent", agent_id);
  }
  if (credential_id !== null) {
    yield scopeKey("credential", credential_id);
    for (const parent of state.credentials.get(credential_id)?.parents ?? []) {
      yield scopeKey("credential", parent);
    }
  }
}

/** Every scope that a session stands under, its ancestors' included; some more than once. */
export function* pathOf(state: State, session: Session): Generator<string> {
  yield scopeKey("workspace", "");
  for (const { id, start } of session.lineage) {
    yield scopeKey("session", id);
    yield* callerKeys(state, start.agent_id, start.credential_id);
    for (const label of start.labels) {
      yield scopeKey("label", label);
    }
  }
}

/** Every scope of an action without a session. */
export function* pathOfCaller(
  state: State,
  agent_id: string | null,
  credential_id: string | null,
): Generator<string> {
  yield scopeKey("workspace", "");
  yield* callerKeys(state, agent_id, credential_id);
}

/**
 * Whether a halt in force, a revoked credential or a revoked agent is on a path. A slice shows orders
 * only as causes, and not whether they were lifted.
 */
export function isStopped(state: State, path: Iterable<string>): boolean {
  if (state.standing.size === 0 || state.header.kind === "slice") {
    return false;
  }
  for (const key of path) {
    if (state.standing.has(key)) {
      return true;
    }
  }
  return false;
}

/**
 * Whether a scope reaches a session. A slice shows neither a session's ancestors nor the parents of its
 * credential, so there what might be theirs is believed.
 */
export function reaches(state: State, key: string, session: Session): boolean {
  if (state.header.kind === "slice") {
    const { parent_session_id, credential_id } = session.start;
    if (parent_session_id !== null || (credential_id !== null && key.startsWith("credential:"))) {
      return true;
    }
  }
  for (const own of pathOf(state, session)) {
    if (own === key) {
      return true;
    }
  }
  return false;
}
