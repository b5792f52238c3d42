/** What time alone does to sessions, in the order of precedence: ttl, idle time, then the lease. */
import { system_actor } from "./actor.js";
import { expiryOnPath } from "./budget.js";
import type { Command, LostLease } from "./command.js";
import type { Draft } from "./decision.js";
import type { Session, State } from "./state.js";
import { expire, killUnheard, type Stopped } from "./stop.js";

/**
 * Stops a live session, or the one above it, whose time is over.
 *
 * @returns every stop by session, or null when there is none
 */
export function endByTime(
  state: State,
  draft: Draft,
  command: Command,
  session: Session,
): ReadonlyMap<string, Stopped> | null {
  const expiry = expiryOnPath(state, session, command.at);
  if (expiry !== null) {
    return expire(state, draft, expiry);
  }
  for (const lost of command.lost_leases ?? []) {
    const owner = state.sessions.get(lost.session_id);
    if (owner?.on_lease_lost === "kill") {
      return killUnheard(state, draft, owner, sealLoss(draft, owner, lost));
    }
  }
  return null;
}

/** All that time does to a session, if it is live. */
export function lapse(state: State, draft: Draft, command: Command, session: Session): void {
  if (session.stop === null && endByTime(state, draft, command, session) === null) {
    loseLeases(state, draft, command);
  }
}

/** Seals the leases that are lost and stop nothing. */
export function loseLeases(state: State, draft: Draft, command: Command): void {
  for (const lost of command.lost_leases ?? []) {
    const owner = state.sessions.get(lost.session_id);
    if (owner !== undefined && owner.on_lease_lost !== "kill") {
      sealLoss(draft, owner, lost);
    }
  }
}

function sealLoss(draft: Draft, { session_id, ...lease }: Session, { last_heard_at }: LostLease): number {
  return draft.add({
    event: "lease_lost",
    actor: system_actor,
    session_id,
    lease_seconds: lease.lease_seconds as number,
    on_lease_lost: lease.on_lease_lost ?? "kill",
    last_heard_at,
  });
}
