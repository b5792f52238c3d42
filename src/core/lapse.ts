/** What time alone does to sessions, in the order of precedence: ttl, idle time, then the lease. */
import { system_actor } from "./actor.js";
import { expiryOnPath } from "./budget.js";
import type { Command } from "./command.js";
import type { LostLease } from "./command-parts.js";
import type { Draft } from "./decision.js";
import { lostReason } from "./lease.js";
import { type Held, pauseWithAllBelow } from "./pause.js";
import type { Session, State } from "./state.js";
import { expire, killUnheard, type Stopped } from "./stop.js";

const none_held: ReadonlyMap<string, Held> = new Map();

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

/**
 * Seals the leases that are lost and stop nothing, and holds the sessions that are to be held.
 *
 * @returns every pause by session
 */
export function loseLeases(state: State, draft: Draft, command: Command): ReadonlyMap<string, Held> {
  if (command.lost_leases === undefined) {
    return none_held;
  }
  const held = new Map<string, Held>();
  for (const lost of command.lost_leases) {
    const owner = state.sessions.get(lost.session_id);
    if (owner === undefined || owner.on_lease_lost === "kill") {
      continue;
    }
    const sequence = sealLoss(draft, owner, lost);
    if (owner.on_lease_lost === "pause" && owner.pause === null && !held.has(owner.session_id)) {
      const reason = lostReason(owner.lease_seconds as number);
      const hold = { actor: system_actor, reason, cause: { event: "lease_lost", sequence }, halt_id: null };
      for (const [session_id, pause] of pauseWithAllBelow(state, draft, owner, hold)) {
        held.set(session_id, pause);
      }
    }
  }
  return held;
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
