/**
 * Scopes: a session stands on a path of them (workspace, agent, credential, parent sessions,
 * itself), and an order against any of them stops it.
 */
import type { Session, State, StopOrder } from "./state.js";

type Kind = "agent" | "credential" | "session";

/** Where the record of a scope is kept. */
export function scopeKey(kind: Kind, id: string): string {
  return `${kind}/${id}`;
}

/** The order that put a scope out for good, or null while it may have new sessions. */
export function revokedBy(state: State, kind: Kind, id: string | null): StopOrder | null {
  const record = id === null ? undefined : state.scopes.get(scopeKey(kind, id));
  return record?.standing === "revoked" ? record.stop : null;
}

/**
 * The order that stops a session: one against any scope on its path that came after its start.
 * Every order names its sessions in the same decision, so a live session has one only between
 * pieces of a large order.
 */
export function orderAgainst(state: State, session: Session): StopOrder | null {
  for (const ancestor of pathFromRoot(state, session)) {
    const found =
      stopAfter(state, "agent", ancestor.agent_id, ancestor.start_sequence) ??
      stopAfter(state, "credential", ancestor.credential_id, ancestor.start_sequence) ??
      stopAfter(state, "session", ancestor.session_id, ancestor.start_sequence);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

function stopAfter(state: State, kind: Kind, id: string | null, start_sequence: number): StopOrder | null {
  const record = id === null ? undefined : state.scopes.get(scopeKey(kind, id));
  return record !== undefined && start_sequence <= record.stopped_through ? record.stop : null;
}

/** The parents of a session from the root down, then the session itself. */
export function pathFromRoot(state: State, session: Session): readonly Session[] {
  if (session.parent_session_id === null) {
    return [session];
  }
  const path = [session];
  let parent_id: string | null = session.parent_session_id;
  // Ends: a parent is always older than its child.
  while (parent_id !== null) {
    const parent = state.sessions.get(parent_id);
    if (parent === undefined) {
      break;
    }
    path.unshift(parent);
    parent_id = parent.parent_session_id;
  }
  return path;
}

/** Live sessions below the given ones, and these, parents before children, each once. */
export function withDescendants(state: State, roots: Iterable<string>): readonly Session[] {
  const found = new Set<Session>();
  const waiting = [...roots];
  for (let i = 0; i < waiting.length; i++) {
    const session = state.sessions.get(waiting[i] as string);
    if (session === undefined || found.has(session)) {
      continue;
    }
    if (session.status === "active") {
      found.add(session);
    }
    for (const child of state.children.get(session.session_id) ?? []) {
      waiting.push(child);
    }
  }
  return [...found];
}
