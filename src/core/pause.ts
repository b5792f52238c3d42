/** How sessions are held and go on: the entries that a pause and its end consist of, with everything below. */
import { type Actor, system_actor } from "./actor.js";
import type { Draft } from "./decision.js";
import type { Cause } from "./event-parts.js";
import { idAt } from "./ids.js";
import { parentOf, pathFromRoot, withDescendants } from "./scope.js";
import { haltOn } from "./standing.js";
import type { Release, Session, StandingHalt, State } from "./state.js";

/** Why a session is held. */
export interface Hold {
  readonly actor: Actor;
  readonly reason: string;
  readonly cause: Cause;
  /** The order's; a pause without one gets its own. */
  readonly halt_id: string | null;
}

/** A pause that has just been drafted, or that is there: what those below it name as their cause, and why. */
export interface Held {
  readonly cause: Cause;
  readonly reason: string;
}

/** Seals the pause of one session, which is active. */
function pause(draft: Draft, session: Session, { actor, reason, cause, halt_id }: Hold): Held {
  const sequence = draft.add({
    event: "session_paused",
    actor,
    session_id: session.session_id,
    reason,
    cause,
    halt_id: halt_id ?? idAt("halt", draft.next_sequence),
  });
  return { cause: { event: "session_paused", sequence }, reason };
}

/** Holds one session because of an order in force on its path. */
export function pauseByOrder(
  draft: Draft,
  session: Session,
  { sequence, reason, halt_id }: Pick<StandingHalt, "sequence" | "reason" | "halt_id">,
  actor: Actor,
): void {
  pause(draft, session, { actor, reason, cause: { event: "halt_requested", sequence }, halt_id });
}

/**
 * Holds a session for a cause of its own, until a person resumes it, and what is live below it for as
 * long as it is held itself. Leaves what is held already. Returns every pause by session.
 */
export function pauseWithAllBelow(
  state: State,
  draft: Draft,
  session: Session,
  hold: Hold,
): ReadonlyMap<string, Held> {
  const holds = new Map<string, Held>();
  for (const each of withDescendants(state, [session.session_id])) {
    if (each.pause !== null) {
      continue;
    }
    const above = each === session ? null : holdAbove(state, each, holds);
    holds.set(each.session_id, above === null ? pause(draft, each, hold) : pauseUnder(draft, each, above));
  }
  return holds;
}

/** Holds a session because the one above it is held. */
function pauseUnder(draft: Draft, session: Session, { cause, reason }: Held): Held {
  return pause(draft, session, { actor: system_actor, reason: reasonBelow(reason), cause, halt_id: null });
}

/** What holds a parent is told all the way down, once. */
function reasonBelow(reason: string): string {
  const prefix = "parent paused: ";
  return reason.startsWith(prefix) ? reason : `${prefix}${reason}`;
}

/** Seals that a held session goes on. */
export function resume(
  draft: Draft,
  session: Session,
  { actor, reason, cause }: { readonly actor: Actor; readonly reason: string; readonly cause: Cause | null },
): number {
  return draft.add({ event: "session_resumed", actor, session_id: session.session_id, reason, cause });
}

/**
 * Lets those of some sessions go on that nothing holds any more.
 *
 * @param sessions parents before children
 * @param lifted orders that hold nothing from here on
 * @param released sessions that go on already; those that do now are added
 */
export function release(
  state: State,
  draft: Draft,
  sessions: Iterable<Session>,
  why: Release & { readonly actor: Actor },
  lifted: ReadonlySet<string>,
  released: Set<string>,
): void {
  for (const session of sessions) {
    if (session.pause === null || session.pause.until_resumed || released.has(session.session_id)) {
      continue;
    }
    const parent = parentOf(state, session);
    const held_above = parent !== undefined && parent.pause !== null && !released.has(parent.session_id);
    if (!held_above && haltOn(state, session, lifted) === null) {
      resume(draft, session, why);
      released.add(session.session_id);
    }
  }
}

/** The pause that an action of a session meets: its own, or that of the nearest session above it. */
export function pauseOnPath(state: State, session: Session): Session["pause"] {
  return pathFromRoot(state, session).findLast(({ pause: held }) => held !== null)?.pause ?? null;
}

/**
 * Names the sessions that an order in force or a held parent should hold, and those that nothing holds
 * any more: a crash can cut a large order between two writes, and so its end.
 *
 * @param sessions parents before children
 * @param stopped those that are being stopped in the same decision
 */
export function finishHolds(
  state: State,
  draft: Draft,
  sessions: readonly Session[],
  stopped: ReadonlyMap<string, unknown>,
): void {
  const live = sessions.filter(({ stop, session_id }) => stop === null && !stopped.has(session_id));
  const holds = new Map<string, Held>();
  for (const session of live.filter(({ pause: held }) => held === null)) {
    const halt = haltOn(state, session);
    const above = holdAbove(state, session, holds);
    if (halt !== null) {
      pauseByOrder(draft, session, halt, system_actor);
    } else if (session.pause_owed !== null) {
      const { cause, reason } = session.pause_owed;
      const hold = { cause, reason, actor: system_actor, halt_id: null };
      holds.set(session.session_id, pause(draft, session, hold));
    } else if (above !== null) {
      holds.set(session.session_id, pauseUnder(draft, session, above));
    }
  }
  if (state.last_release !== null) {
    release(state, draft, live, { ...state.last_release, actor: system_actor }, new Set(), new Set());
  }
}

/** What holds the parent of a session, just now or before, or null while that is active. */
function holdAbove(state: State, session: Session, holds: ReadonlyMap<string, Held>): Held | null {
  const held = parentOf(state, session)?.pause;
  if (held !== undefined && held !== null) {
    return { cause: { event: "session_paused", sequence: held.sequence }, reason: held.reason };
  }
  return holds.get(session.parent_session_id ?? "") ?? null;
}
