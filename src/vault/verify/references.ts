/** What an entry may name: only what the log has, and what is still open (vault-format.md, 9). */
import type { Content, CredentialIssued, CredentialRevoked, Erasure } from "./content.js";
import { type Item, type State, sessionOf } from "./state.js";

/** The first thing that an entry names and the log does not have, or null. */
export function unknownReference(state: State, { content, sequence }: Item): string | null {
  // A slice leaves out other sessions, credentials and keys; its own start is asked for elsewhere.
  const whole = state.header.kind === "full";
  return (
    (whole ? unknownSession(state, content) : null) ??
    (whole ? unknownCredential(state, content) : null) ??
    unknownOpening(state, content) ??
    (content.event === "erasure" ? unknownTarget(state, content, sequence) : null)
  );
}

function unknownSession(state: State, content: Content): string | null {
  const has = (id: string | null) => id === null || state.sessions.has(id);
  if (content.event === "session_started") {
    return has(content.parent_session_id) ? null : "the parent session never started";
  }
  if ("session_id" in content && content.session_id != null && !has(content.session_id)) {
    return "the session never started";
  }
  switch (content.event) {
    case "budget_exceeded":
      return has(content.owner_session_id) ? null : "the session whose budget it is never started";
    case "halt_requested":
      return content.scope.kind === "session" && !has(content.scope.id)
        ? "the session to be stopped never started"
        : null;
    case "drill_ended":
      return has(content.drill_session_id) ? null : "the session of the drill never started";
    default:
      return null;
  }
}

function unknownCredential(state: State, content: Content): string | null {
  switch (content.event) {
    case "credential_issued":
      return knowsParent(state, content) ? null : "the parent credential is not known";
    case "credential_revoked":
      return knowsCredential(state, content)
        ? null
        : "the credential was neither issued nor named by a session";
    case "key_rotated": {
      const { purpose, previous_key_id } = content;
      const known =
        purpose === "checkpoint" || previous_key_id === null || state.entry_keys.has(previous_key_id);
      return known ? null : "the rotated key is none of this log";
    }
    default:
      return null;
  }
}

function knowsParent(state: State, { parent_credential_id }: CredentialIssued): boolean {
  return parent_credential_id === null || state.credentials.has(parent_credential_id);
}

function knowsCredential(state: State, { credential_id }: CredentialRevoked): boolean {
  return state.credentials.has(credential_id);
}

/** Reservations, escalations and halts: also one that was closed is no longer there to be named. */
function unknownOpening(state: State, content: Content): string | null {
  switch (content.event) {
    case "reservation_settled": {
      const reservation = state.reservations.get(content.decision_id);
      return reservation !== undefined && reservation.session === sessionOf(state, content)
        ? null
        : "the session has no open reservation of this decision";
    }
    case "enforcement_decision": {
      const { decision, escalation_id } = content;
      // An escalate names the escalation that it opens.
      const opens = decision === "escalate" || escalation_id === null;
      return opens || state.escalations.has(escalation_id) ? null : "the escalation was never opened";
    }
    case "escalation_resolved":
      return state.escalations.get(content.escalation_id)?.resolution === null
        ? null
        : "there is no open escalation of this id";
    case "halt_lifted":
      return state.header.kind === "slice" || state.halts.has(content.halt_id)
        ? null
        : "no halt of this id is in force";
    default:
      return null;
  }
}

function unknownTarget(state: State, { targets }: Erasure, sequence: number): string | null {
  const wrong = targets.find((target) => {
    const digest = state.digests.get(target.sequence);
    // What a slice does not show cannot be compared.
    const hidden = digest === undefined && state.header.kind === "slice";
    return target.sequence >= sequence || (!hidden && digest !== target.details_digest);
  });
  return wrong === undefined ? null : `entry ${wrong.sequence} has no details of this digest`;
}
