/** How sessions become terminal: the entries that a stop consists of, with everything below. */

import type { Actor } from "./actor.js";
import { system_actor } from "./actor.js";
import { type Expiry, no_amounts } from "./budget.js";
import type { Draft } from "./decision.js";
import type { KillReason } from "./event.js";
import type { Amounts, Cause, Consumed } from "./event-parts.js";
import { idAt } from "./ids.js";
import { lostReason } from "./lease.js";
import { orderAgainst, withDescendants } from "./scope.js";
import type { Session, State, StopOrder } from "./state.js";

/** What a session has spent, with what is about to be. */
export function consumedBy(
  { actions, tokens, cost_usd_micros }: Session,
  added_actions = 0,
  { tokens: added_tokens, cost_usd_micros: added_micros }: Amounts = no_amounts,
): Consumed {
  return {
    actions: actions.spent + added_actions,
    tokens: tokens.spent + added_tokens,
    cost_usd_micros: cost_usd_micros.spent + added_micros,
  };
}

/** What is held for actions at and below a session, with what is about to be, or without what no longer is. */
export function reservedBy(
  { tokens, cost_usd_micros }: Session,
  added: Amounts = no_amounts,
  taken: Amounts = no_amounts,
): Amounts {
  return {
    tokens: tokens.reserved + added.tokens - taken.tokens,
    cost_usd_micros: cost_usd_micros.reserved + added.cost_usd_micros - taken.cost_usd_micros,
  };
}

/** Why an action of a session that ended by itself gets no further. */
export const ended_reason = "the session has ended";

/** A stop that has just been drafted: what later entries name as their cause, and why it came. */
export interface Stopped {
  readonly cause: Cause;
  readonly reason: string;
}

/** Seals the kill of one session. */
export function kill(
  draft: Draft,
  session: Session,
  stop: {
    readonly actor: Actor;
    readonly stop_reason: KillReason;
    readonly reason: string;
    readonly cause: Cause;
    /** The order's; a stop without one gets its own. */
    readonly halt_id: string | null;
  },
): Stopped {
  const sequence = draft.add({
    event: "session_killed",
    actor: stop.actor,
    session_id: session.session_id,
    agent_id: session.agent_id,
    stop_reason: stop.stop_reason,
    reason: stop.reason,
    cause: stop.cause,
    halt_id: stop.halt_id ?? idAt("halt", draft.next_sequence),
    consumed: consumedBy(session),
    reserved: reservedBy(session),
  });
  return { cause: { event: "session_killed", sequence }, reason: stop.reason };
}

/** Kills a session because the one above it stopped. */
function killUnder(draft: Draft, session: Session, parent: Stopped): Stopped {
  return kill(draft, session, {
    actor: system_actor,
    stop_reason: "parent_stopped",
    reason: reasonBelow(parent.reason),
    cause: parent.cause,
    halt_id: null,
  });
}

/** What stopped a parent is told all the way down, once: a text of ours, and short. */
function reasonBelow(reason: string): string {
  const prefix = "parent stopped: ";
  return reason.startsWith(prefix) ? reason : `${prefix}${reason}`;
}

/** Kills the live sessions below one that has just become terminal. Returns every stop by session. */
export function killBelow(
  state: State,
  draft: Draft,
  parent: Session,
  stopped: Stopped,
): ReadonlyMap<string, Stopped> {
  const stops = new Map([[parent.session_id, stopped]]);
  for (const session of withDescendants(state, state.children.get(parent.session_id) ?? [])) {
    const above = stops.get(session.parent_session_id as string) ?? stopped;
    stops.set(session.session_id, killUnder(draft, session, above));
  }
  return stops;
}

/** Expires a session, and kills what is below it. */
export function expire(state: State, draft: Draft, expiry: Expiry): ReadonlyMap<string, Stopped> {
  const { session } = expiry;
  const sequence = draft.add({
    event: "session_expired",
    actor: system_actor,
    session_id: session.session_id,
    agent_id: session.agent_id,
    stop_reason: expiry.stop_reason,
    deadline_at: expiry.deadline_at,
    halt_id: idAt("halt", draft.next_sequence),
    consumed: consumedBy(session),
    reserved: reservedBy(session),
  });
  const reason = expiryReason(session, expiry.stop_reason);
  return killBelow(state, draft, session, { cause: { event: "session_expired", sequence }, reason });
}

/** Kills a session whose lease was lost, and what is below it. */
export function killUnheard(
  state: State,
  draft: Draft,
  session: Session,
  lost_sequence: number,
): ReadonlyMap<string, Stopped> {
  const killed = kill(draft, session, {
    actor: system_actor,
    stop_reason: "lease_lost",
    reason: lostReason(session.lease_seconds as number),
    cause: { event: "lease_lost", sequence: lost_sequence },
    halt_id: null,
  });
  return killBelow(state, draft, session, killed);
}

/** Kills a session because of an order that stands against a scope on its path. */
export function killByOrder(draft: Draft, session: Session, order: StopOrder, actor: Actor): Stopped {
  return kill(draft, session, {
    actor,
    stop_reason: reasonUnder(order, session),
    reason: order.reason,
    cause: { event: order.event, sequence: order.sequence },
    halt_id: order.halt_id,
  });
}

function reasonUnder(order: StopOrder, session: Session): KillReason {
  switch (order.event) {
    case "credential_revoked":
    case "agent_revoked":
    case "budget_exceeded":
    case "lease_lost":
      return order.event;
    case "halt_requested":
      if (order.drill_id !== null) {
        return "drill";
      }
      return order.session_id === session.session_id ? "manual" : "halted";
  }
}

/** Text for people about how a session stopped by time. */
export function expiryReason(session: Session, stop_reason: "ttl_expired" | "idle_timeout"): string {
  return stop_reason === "ttl_expired"
    ? `ttl expired: ttl_seconds ${session.ttl_seconds}`
    : `idle timeout: idle_timeout_seconds ${session.idle_timeout_seconds}`;
}

/**
 * Names those of some sessions, parents before children, that an order or a stopped parent should have
 * stopped: a crash can cut a large order between two writes. Returns every stop by session.
 */
export function finishStops(
  state: State,
  draft: Draft,
  sessions: Iterable<Session>,
): ReadonlyMap<string, Stopped> {
  const stops = new Map<string, Stopped>();
  for (const session of sessions) {
    if (session.stop !== null) {
      continue;
    }
    const order = orderAgainst(state, session);
    const above = order === null ? stopAbove(state, session, stops) : null;
    if (order !== null) {
      stops.set(session.session_id, killByOrder(draft, session, order, system_actor));
    } else if (above !== null) {
      stops.set(session.session_id, killUnder(draft, session, above));
    }
  }
  return stops;
}

/** How the parent of a session stopped, just now or before, or null while it is live. */
function stopAbove(state: State, session: Session, stops: ReadonlyMap<string, Stopped>): Stopped | null {
  const parent =
    session.parent_session_id === null ? undefined : state.sessions.get(session.parent_session_id);
  if (parent === undefined || parent.stop === null) {
    return stops.get(session.parent_session_id ?? "") ?? null;
  }
  const { event, sequence, reason } = parent.stop;
  return { cause: { event, sequence }, reason: reason ?? ended_reason };
}
