/** Budgets: amounts that are spent, and the time that runs out by itself. */
import type { Amounts } from "./event-parts.js";
import { pathFromRoot } from "./scope.js";
import type { Budget } from "./session-parts.js";
import type { Session, State } from "./state.js";

/** What actions cost, beside that they are actions. */
export const amount_units = ["tokens", "cost_usd_micros"] as const;

export const no_amounts: Amounts = { tokens: 0, cost_usd_micros: 0 };

/** No sum passes this, with a limit or without. */
export const amount_max = Number.MAX_SAFE_INTEGER;

/** The budget of a session that has just started. */
export function unspent(limit: number | null): Budget {
  return { limit, spent: 0, reserved: 0, overrun: 0 };
}

/** How much more can be spent or held. */
export function room({ limit, spent, reserved }: Budget): number {
  return (limit ?? amount_max) - spent - reserved;
}

/** A session whose time is over: which limit, and when it was reached. */
export interface Expiry {
  readonly session: Session;
  readonly stop_reason: "ttl_expired" | "idle_timeout";
  readonly deadline_at: number;
}

/** When the ttl of a session is over, or null without one. */
export function ttlDeadline(session: Session): number | null {
  return session.ttl_seconds === null ? null : session.started_at + session.ttl_seconds * 1000;
}

/** When a session has idled too long unless it acts before, or null without a limit or while it is held. */
export function idleDeadline(session: Session): number | null {
  return session.idle_timeout_seconds === null || session.pause !== null
    ? null
    : (session.last_action_at ?? session.started_at) + session.held_ms + session.idle_timeout_seconds * 1000;
}

/** The expiry of a session itself at a time, or null; the ttl goes before the idle time. */
export function ownExpiry(session: Session, at: number): Expiry | null {
  const ttl = ttlDeadline(session);
  if (ttl !== null && at >= ttl) {
    return { session, stop_reason: "ttl_expired", deadline_at: ttl };
  }
  const idle = idleDeadline(session);
  if (idle !== null && at >= idle) {
    return { session, stop_reason: "idle_timeout", deadline_at: idle };
  }
  return null;
}

/** The first expiry on a session's path: ttl from the root down, then idle time likewise. */
export function expiryOnPath(state: State, session: Session, at: number): Expiry | null {
  let idle: Expiry | null = null;
  for (const ancestor of pathFromRoot(state, session)) {
    const expiry = ownExpiry(ancestor, at);
    if (expiry?.stop_reason === "ttl_expired") {
      return expiry;
    }
    idle ??= expiry;
  }
  return idle;
}
