/**
 * Scopes: a session stands on a path of them (workspace, agent, credential, label, parent sessions,
 * itself), and an order against any of them stops it, or holds it.
 */
import type { Scope } from "./event-halt.js";
import type { ScopeKind, Session, State, StopOrder } from "./state.js";

/** The order that a revocation is. Its reason may be empty; that of a kill never is. */
export function revocationOrder(
  event: "credential_revoked" | "agent_revoked",
  sequence: number,
  reason: string,
): StopOrder {
  const words = event === "agent_revoked" ? "agent revoked" : "credential revoked";
  return { event, sequence, reason: reason || words, halt_id: null, session_id: null, drill_id: null };
}

/** The order that put a scope out for good, or null while it may have new sessions. */
export function revokedBy(state: State, kind: ScopeKind, id: string | null): StopOrder | null {
  const record = id === null ? undefined : state.scopes[kind].get(id);
  return record?.standing === "revoked" ? record.stop : null;
}

/**
 * Whether a session may not go on although it is not marked as stopped: the session above it is, or
 * an order came after the start of it or of one above. Every stop names its sessions in the same
 * decision, so this is so only where a crash has cut a large one in pieces.
 */
export function isUnderStop(state: State, session: Session): boolean {
  for (const ancestor of pathFromRoot(state, session)) {
    if (ancestor.stop !== null || orderOn(state, ancestor) !== null) {
      return true;
    }
  }
  return false;
}

/** The order that names a session: one against any scope on its path that came after its start. */
export function orderAgainst(state: State, session: Session): StopOrder | null {
  for (const ancestor of pathFromRoot(state, session)) {
    const order = orderOn(state, ancestor);
    // A budget or a lease names its owner alone; what is below stops because the owner does.
    const names_owner = order?.event === "budget_exceeded" || order?.event === "lease_lost";
    if (order !== null && (!names_owner || order.session_id === session.session_id)) {
      return order;
    }
  }
  return null;
}

/** The order against a session itself or a scope that it stands on that came after its start. */
function orderOn(state: State, session: Session): StopOrder | null {
  const { start_sequence } = session;
  return (
    stopAfter(state, "workspace", state.workspace_id, start_sequence) ??
    stopAfter(state, "agent", session.agent_id, start_sequence) ??
    stopAfter(state, "credential", session.credential_id, start_sequence) ??
    stopAfter(state, "label", session.label, start_sequence) ??
    stopAfter(state, "session", session.session_id, start_sequence)
  );
}

function stopAfter(
  state: State,
  kind: ScopeKind,
  id: string | null,
  start_sequence: number,
): StopOrder | null {
  const scopes = state.scopes[kind];
  const record = id === null || scopes.size === 0 ? undefined : scopes.get(id);
  return record !== undefined && start_sequence <= record.stopped_through ? record.stop : null;
}

/** The session above a session, or undefined for a root, or where it is not in memory. */
export function parentOf(state: State, { parent_session_id }: Session): Session | undefined {
  return parent_session_id === null ? undefined : state.sessions.get(parent_session_id);
}

/** The parents of a session from the root down, then the session itself. */
export function pathFromRoot(state: State, session: Session): readonly Session[] {
  if (session.parent_session_id === null) {
    return [session];
  }
  const path = [session];
  // Ends: a parent is always older than its child.
  for (let above = parentOf(state, session); above !== undefined; above = parentOf(state, above)) {
    path.push(above);
  }
  return path.reverse();
}

/** Live sessions below the given ones, and these, each once; below one root, parents before children. */
export function withDescendants(state: State, roots: Iterable<string>): readonly Session[] {
  const found = new Set<Session>();
  const waiting = [...roots];
  for (let i = 0; i < waiting.length; i++) {
    const session = state.sessions.get(waiting[i] as string);
    if (session === undefined || found.has(session)) {
      continue;
    }
    if (session.stop === null) {
      found.add(session);
    }
    for (const child of state.children.get(session.session_id) ?? []) {
      waiting.push(child);
    }
  }
  return [...found];
}

/** Live sessions on a scope and below those, the one that started first comes first: parents before children. */
export function sessionsOn(state: State, { kind, id }: Scope): readonly Session[] {
  const found = withDescendants(state, rootsOn(state, kind, id));
  return [...found].sort((a, b) => a.start_sequence - b.start_sequence);
}

function rootsOn(state: State, kind: ScopeKind, id: string): Iterable<string> {
  switch (kind) {
    case "session":
      return [id];
    case "agent":
      return state.agents.get(id)?.live_sessions ?? [];
    case "credential":
      return matching(state, (session) => session.credential_id === id);
    case "label":
      return matching(state, (session) => session.label === id);
    case "workspace":
      return matching(state, () => true);
  }
}

function* matching(state: State, wanted: (session: Session) => boolean): Generator<string> {
  for (const session of state.sessions.values()) {
    if (session.stop === null && wanted(session)) {
      yield session.session_id;
    }
  }
}
