/** How sessions become terminal: the entries that a stop consists of, with everything below. */
import type { Expiry } from "./budget.js";
import { ownExpiry } from "./budget.js";
import type { Draft } from "./decision.js";
import type { Actor, Cause, Consumed, KillReason, Reserved } from "./event.js";
import { system_actor } from "./event.js";
import { idAt } from "./ids.js";
import { orderAgainst, withDescendants } from "./scope.js";
import type { Session, State, StopOrder } from "./state.js";

/** A session's totals. */
export function consumedBy(session: Session, actions = session.actions.spent): Consumed {
  return { actions, tokens: 0, cost_usd_micros: 0 };
}

export const nothing_reserved: Reserved = { tokens: 0, cost_usd_micros: 0 };

/** Seals the kill of one session. Returns what later entries name as their cause. */
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
): Cause {
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
    reserved: nothing_reserved,
  });
  return { event: "session_killed", sequence };
}

/** Kills the live sessions below one that has just become terminal. */
export function killBelow(
  state: State,
  draft: Draft,
  parent: Session,
  cause: Cause,
): ReadonlyMap<string, Cause> {
  const causes = new Map([[parent.session_id, cause]]);
  for (const session of withDescendants(state, state.children.get(parent.session_id) ?? [])) {
    const parent_cause = causes.get(session.parent_session_id as string) ?? cause;
    causes.set(
      session.session_id,
      kill(draft, session, {
        actor: system_actor,
        stop_reason: "parent_stopped",
        reason: "the parent session stopped",
        cause: parent_cause,
        halt_id: null,
      }),
    );
  }
  return causes;
}

/** Expires a session, and kills what is below it. */
export function expire(state: State, draft: Draft, expiry: Expiry): ReadonlyMap<string, Cause> {
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
    reserved: nothing_reserved,
  });
  return killBelow(state, draft, session, { event: "session_expired", sequence });
}

/** Kills a session because of an order that stands against a scope on its path. */
export function killByOrder(draft: Draft, session: Session, order: StopOrder, actor: Actor): Cause {
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
      return order.event;
    case "halt_requested":
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
 * Names the sessions that an order or a stopped parent should have stopped: a crash can cut a large
 * order between two writes. Every session is visited, once, at the start.
 */
export function finishCascades(state: State, draft: Draft): void {
  const live = [...state.sessions.values()].filter((session) => session.status === "active");
  const killed = new Map<string, Cause>();
  for (const session of live.sort((a, b) => a.start_sequence - b.start_sequence)) {
    const order = orderAgainst(state, session);
    const parent =
      session.parent_session_id === null ? undefined : state.sessions.get(session.parent_session_id);
    if (order !== null) {
      killed.set(session.session_id, killByOrder(draft, session, order, system_actor));
    } else if (parent !== undefined && (parent.stop !== null || killed.has(parent.session_id))) {
      const cause = killed.get(parent.session_id) ?? {
        event: parent.stop?.event as string,
        sequence: parent.stop?.sequence as number,
      };
      killed.set(
        session.session_id,
        kill(draft, session, {
          actor: system_actor,
          stop_reason: "parent_stopped",
          reason: "the parent session stopped",
          cause,
          halt_id: null,
        }),
      );
    }
  }
}

/** Expires one session if its time has come. */
export function expireIfDue(state: State, draft: Draft, session: Session, at: number): void {
  const expiry = ownExpiry(session, at);
  if (expiry !== null) {
    expire(state, draft, expiry);
  }
}
