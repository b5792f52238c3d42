/** Orders in force: what they hold, and keep from starting. Without any, asking costs nothing. */
import { quoted } from "./access.js";
import { pathFromRoot } from "./scope.js";
import type { ScopeKind, Session, StandingHalt, State } from "./state.js";

const nothing: ReadonlySet<string> = new Set();

/** The oldest order in force on one scope, or null. */
export function haltOnScope(
  state: State,
  kind: ScopeKind,
  id: string | null,
  except: ReadonlySet<string> = nothing,
): StandingHalt | null {
  const record = id === null || state.halts.size === 0 ? undefined : state.scopes[kind].get(id);
  for (const halt_id of record?.halts ?? []) {
    if (!except.has(halt_id)) {
      return state.halts.get(halt_id) ?? null;
    }
  }
  return null;
}

/**
 * The order in force that holds a session: the one that stands nearest to the root; null when none does.
 *
 * @param except orders that do not count: they are about to be lifted
 */
export function haltOn(
  state: State,
  session: Session,
  except: ReadonlySet<string> = nothing,
): StandingHalt | null {
  if (state.halts.size === 0) {
    return null;
  }
  const workspace = haltOnScope(state, "workspace", state.workspace_id, except);
  if (workspace !== null) {
    return workspace;
  }
  for (const { agent_id, credential_id, label, session_id } of pathFromRoot(state, session)) {
    const halt =
      haltOnScope(state, "agent", agent_id, except) ??
      haltOnScope(state, "credential", credential_id, except) ??
      haltOnScope(state, "label", label, except) ??
      haltOnScope(state, "session", session_id, except);
    if (halt !== null) {
      return halt;
    }
  }
  return null;
}

/** Says of an order in force what it does and what to do about it. */
export function haltedText({ halt_id, scope, mode, reason }: StandingHalt): string {
  const what = scope.kind === "workspace" ? "the workspace" : `the ${scope.kind} ${quoted(scope.id)}`;
  const how = mode === "kill" ? "halted" : "paused";
  return `${what} is ${how} by ${halt_id} (${quoted(reason)}): wait until that is lifted`;
}
