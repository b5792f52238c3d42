/** What a state does not allow, and ids that were given before (vault-format.md, 9). */
import { limits } from "../../limits.js";
import type { Content, LeaseLost, SessionExpired } from "./content.js";
import { isAllow } from "./permissions.js";
import { isStopped, pathOf } from "./scope.js";
import { type Item, type Session, type State, sessionOf } from "./state.js";

export function transition(state: State, { content }: Item): string | null {
  return idFault(state, content) ?? approvalFault(state, content) ?? sessionFault(state, content);
}

/** The id that an entry gives, in a space of its own for each kind; null when it gives none. */
export function givenId(content: Content): string | null {
  switch (content.event) {
    case "enforcement_decision":
      return `decision ${content.decision_id}`;
    case "halt_requested":
      return `halt ${content.halt_id}`;
    case "api_key_created":
      return `key ${content.key_id}`;
    case "drill_started":
      return `drill ${content.drill_id}`;
    default:
      return null;
  }
}

function idFault(state: State, content: Content): string | null {
  const given = givenId(content);
  if (given !== null) {
    return state.used_ids.has(given) ? "the id was given before" : null;
  }
  switch (content.event) {
    case "session_started":
      return startFault(state, content.session_id, content.parent_session_id);
    case "escalation_opened":
      return state.escalations.has(content.escalation_id) ? "the escalation was opened before" : null;
    case "credential_issued": {
      const parent = state.credentials.get(content.parent_credential_id ?? "");
      if (state.credentials.get(content.credential_id)?.issued === true) {
        return "the credential was issued before";
      }
      return (parent?.parents.length ?? 0) >= limits.verified_levels
        ? "the credential has too many parents"
        : null;
    }
    default:
      return null;
  }
}

/** An approval is for one action, once. */
function approvalFault(state: State, content: Content): string | null {
  const used = isAllow(content) && state.escalations.get(content.escalation_id ?? "")?.used === true;
  return used ? "the approval was used before" : null;
}

function startFault(state: State, id: string, parent_id: string | null): string | null {
  if (state.sessions.has(id)) {
    return "the session was started before";
  }
  const parent = parent_id === null ? undefined : state.sessions.get(parent_id);
  return (parent?.lineage.length ?? 0) > limits.verified_levels ? "the session has too many parents" : null;
}

function sessionFault(state: State, content: Content): string | null {
  const session = sessionOf(state, content);
  if (session === undefined) {
    return null;
  }
  const over = session.ended !== null;
  switch (content.event) {
    case "session_killed":
    case "session_ended":
      return over ? "the session has ended before" : null;
    case "session_expired":
      return over ? "the session has ended before" : expiryFault(content, session);
    case "budget_exceeded":
      return over ? "the session has ended" : null;
    case "lease_lost":
      return over ? "the session has ended" : leaseFault(content, session);
    case "session_paused":
      return session.status === "active" ? null : `the session is ${session.status}`;
    case "session_resumed":
      return resumeFault(state, session);
    default:
      return null;
  }
}

function expiryFault(content: SessionExpired, session: Session): string | null {
  if (content.at < content.deadline_at) {
    return "the session expires before its deadline";
  }
  // Idle deadlines leave no trace to recompute: they are believed.
  const early = session.expires_at === null || content.at < session.expires_at;
  return content.stop_reason === "ttl_expired" && early ? "the session expires before expires_at" : null;
}

function leaseFault(content: LeaseLost, session: Session): string | null {
  const { lease_seconds, on_lease_lost } = session.start;
  if (content.lease_seconds !== lease_seconds || content.on_lease_lost !== on_lease_lost) {
    return "the session has no such lease";
  }
  const lost_at_ms = Date.parse(content.last_heard_at) + lease_seconds * 1000;
  return Date.parse(content.at) < lost_at_ms ? "the lease is lost before its time" : null;
}

function resumeFault(state: State, session: Session): string | null {
  if (session.status !== "paused") {
    return `the session is ${session.status}`;
  }
  return isStopped(state, pathOf(state, session)) ? "a halt in force still holds the session" : null;
}
