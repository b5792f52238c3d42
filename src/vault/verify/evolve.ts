/** What an entry changes in the replay: also one that was found wrong, so that the rest can be judged. */
import { limits } from "../../limits.js";
import type {
  BudgetExceeded,
  BudgetRaised,
  Cause,
  Content,
  EnforcementDecision,
  LeaseLost,
  SessionPaused,
  SessionStarted,
  Terminal,
} from "./content.js";
import { applyChange, changeOf } from "./counts.js";
import { noteEscalation, noteUse } from "./escalations.js";
import { scopeKey } from "./scope.js";
import { type Item, type Order, openSession, type Session, type State, sessionOf, units } from "./state.js";
import { givenId } from "./transitions.js";

/** Takes an entry into the state. */
export function evolve(state: State, item: Item): void {
  const { content, sequence } = item;
  const session = sessionOf(state, content);
  const change = changeOf(state, content);
  if (change !== null) {
    applyChange(change);
  }
  if (session !== undefined && "session_index" in content && content.session_index != null) {
    session.next_index = content.session_index + 1;
  }
  const given = givenId(content);
  if (given !== null) {
    state.used_ids.add(given);
  }
  if (session === undefined) {
    evolveLog(state, content, sequence);
  } else {
    evolveSession(state, content, sequence, session);
  }
}

/** Entries that may be named as a cause, or that give an order whose list is compared at the end. */
export function noteCause(state: State, { content, sequence }: Item): void {
  switch (content.event) {
    case "halt_requested":
    case "credential_revoked":
    case "agent_revoked":
    case "budget_exceeded":
    case "lease_lost":
    case "policy_changed":
    case "session_paused":
    case "session_killed":
    case "session_expired":
    case "session_ended":
      state.causes.set(sequence, content);
      break;
    default:
  }
}

function evolveSession(state: State, content: Content, sequence: number, session: Session): void {
  switch (content.event) {
    case "session_killed":
    case "session_expired":
    case "session_ended":
      endSession(state, content, sequence, session);
      break;
    case "session_paused":
      pauseSession(state, content, sequence, session);
      break;
    case "session_resumed":
      leavePause(session, "active", sequence);
      break;
    case "budget_exceeded":
      exceed(state, content, sequence);
      break;
    case "lease_lost":
      loseLease(state, content, sequence, session);
      break;
    case "budget_raised":
      raise(content, session);
      break;
    case "enforcement_decision":
      decide(state, content, session);
      break;
    case "reservation_settled":
      state.reservations.delete(content.decision_id);
      break;
    default:
      evolveLog(state, content, sequence);
  }
  // Sub-sessions count at their parents too: what a slice shows of a session's own is what it states.
  if (state.header.kind === "slice" && "consumed" in content && content.consumed !== null) {
    Object.assign(session.spent, content.consumed);
  }
}

function evolveLog(state: State, content: Content, sequence: number): void {
  switch (content.event) {
    case "session_started":
      start(state, content, sequence);
      break;
    case "enforcement_decision":
      decide(state, content, null);
      break;
    case "halt_requested": {
      const key = scopeKey(content.scope.kind, content.scope.id);
      state.halts.set(content.halt_id, key);
      hold(state, key);
      order(state, key, { sequence, mode: content.mode });
      break;
    }
    case "halt_lifted":
      lift(state, content.halt_id);
      break;
    case "credential_revoked":
      revoke(state, scopeKey("credential", content.credential_id), sequence);
      // The agent's other credentials stay good: what ran is stopped, new sessions may start.
      if (content.cascade === "agent" && content.agent_id !== null) {
        order(state, scopeKey("agent", content.agent_id), { sequence, mode: "kill" });
      }
      break;
    case "agent_revoked":
      revoke(state, scopeKey("agent", content.agent_id), sequence);
      for (const credential_id of content.revoked_credentials) {
        revoke(state, scopeKey("credential", credential_id), sequence);
      }
      break;
    case "credential_issued":
      issue(state, content.credential_id, content.parent_credential_id);
      break;
    case "escalation_opened":
    case "escalation_resolved":
      noteEscalation(state, content);
      break;
    case "vault_opened":
      state.entry_keys.add(content.entry_key.key_id);
      break;
    case "key_rotated":
      if (content.entry_key !== null) {
        state.entry_keys.add(content.entry_key.key_id);
      }
      break;
    case "erasure":
      for (const target of content.targets) {
        state.erasures.set(target.sequence, sequence);
      }
      break;
    default:
  }
}

function start(state: State, content: SessionStarted, sequence: number): void {
  if (state.sessions.has(content.session_id)) {
    return;
  }
  const session = openSession(state, sequence, content);
  state.sessions.set(session.id, session);
  state.live_sessions += 1;
  const { credential_id } = content;
  if (credential_id !== null && !state.credentials.has(credential_id)) {
    state.credentials.set(credential_id, { parents: [], issued: false });
  }
}

function issue(state: State, id: string, parent_id: string | null): void {
  const above = parent_id === null ? [] : (state.credentials.get(parent_id)?.parents ?? []);
  const parents = parent_id === null ? [] : [parent_id, ...above].slice(0, limits.verified_levels);
  state.credentials.set(id, { parents, issued: true });
}

function decide(state: State, content: EnforcementDecision, session: Session | null): void {
  state.decisions += 1;
  state.terminations += content.decision === "terminate" ? 1 : 0;
  noteUse(state, content);
  if (content.reservation !== null && session !== null) {
    state.reservations.set(content.decision_id, { session, held: content.reservation });
  }
}

function hold(state: State, key: string): void {
  state.standing.set(key, (state.standing.get(key) ?? 0) + 1);
}

/** For good: nothing lifts it. */
function revoke(state: State, key: string, sequence: number): void {
  hold(state, key);
  order(state, key, { sequence, mode: "kill" });
}

function lift(state: State, halt_id: string): void {
  const key = state.halts.get(halt_id);
  if (key === undefined) {
    return;
  }
  state.halts.delete(halt_id);
  const others = (state.standing.get(key) ?? 0) - 1;
  if (others > 0) {
    state.standing.set(key, others);
  } else {
    state.standing.delete(key);
  }
}

function order(state: State, key: string, given: Order): void {
  const orders = state.orders.get(key);
  if (orders === undefined) {
    state.orders.set(key, [given]);
  } else {
    orders.push(given);
  }
}

function followersOf(state: State, cause: Cause): { killed: string[]; paused: number } {
  const followers = state.followers.get(cause.sequence) ?? { killed: [], paused: 0 };
  state.followers.set(cause.sequence, followers);
  return followers;
}

function endSession(state: State, content: Terminal, sequence: number, session: Session): void {
  if (content.event === "session_killed") {
    followersOf(state, content.cause).killed.push(session.id);
  }
  if (content.event !== "session_ended") {
    session.halt_ids.add(content.halt_id);
  }
  // The first end wins.
  if (session.ended === null) {
    const statuses = {
      session_killed: "killed",
      session_expired: "expired",
      session_ended: "ended",
    } as const;
    leavePause(session, statuses[content.event], sequence);
    session.ended = sequence;
    state.live_sessions -= 1;
  }
}

function pauseSession(state: State, content: SessionPaused, sequence: number, session: Session): void {
  session.halt_ids.add(content.halt_id);
  const { cause } = content;
  if (cause !== null) {
    followersOf(state, cause).paused += 1;
  }
  if (session.status === "active") {
    session.status = "paused";
    session.pauses.push({
      from: sequence,
      cause: cause?.sequence ?? null,
      inherited: cause?.event === "session_paused",
      until: null,
    });
  }
}

function leavePause(session: Session, status: Session["status"], sequence: number): void {
  const pause = session.pauses.at(-1);
  if (session.ended !== null) {
    return;
  }
  if (session.status === "paused" && pause !== undefined) {
    pause.until = sequence;
  }
  session.status = status;
}

function exceed(state: State, content: BudgetExceeded, sequence: number): void {
  const owner = state.sessions.get(content.owner_session_id);
  if (owner !== undefined) {
    const mode = owner.start.on_exceeded === "terminate" ? "kill" : "pause";
    state.debts.push({ session: owner, sequence, mode, was_paused: owner.status === "paused" });
  }
}

function loseLease(state: State, content: LeaseLost, sequence: number, session: Session): void {
  if (content.on_lease_lost !== "continue") {
    const was_paused = session.status === "paused";
    state.debts.push({ session, sequence, mode: content.on_lease_lost, was_paused });
  }
}

function raise(content: BudgetRaised, session: Session): void {
  if (content.unit === "ttl_seconds") {
    session.expires_at = content.expires_at ?? session.expires_at;
  } else if (units.includes(content.unit)) {
    session.limits[content.unit] = content.to;
  }
}
