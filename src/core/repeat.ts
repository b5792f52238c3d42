/** Repeats: requests that name an idempotency key which has been used before. */
import { limits } from "../limits.js";
import { callerId } from "./access.js";
import type { Actor } from "./actor.js";
import type { Command, Repeatable } from "./command.js";
import { type Decision, refuse } from "./decision.js";
import type { Idempotency } from "./idempotency.js";
import type { Repeat, State } from "./state.js";

/** What a command says of itself as a repeat, or null. */
export function repeatableOf(command: Command): Repeatable | null {
  return "repeat" in command ? command.repeat : null;
}

/** Where an idempotency key of one calling key is kept: two callers never share one. */
export function repeatKey(caller_id: string, key_digest: string): string {
  return `${caller_id}|${key_digest}`;
}

/** What an earlier request with the same idempotency key made, or null. */
export function keptRepeat(state: State, command: Command): Repeat | null {
  const repeat = repeatableOf(command);
  if (repeat === null) {
    return null;
  }
  const caller_id = callerId(state, command.actor.key_id);
  if (command.type === "intercept" && command.session_id !== null) {
    const kept = state.session_repeats.get(command.session_id)?.get(repeatKey(caller_id, repeat.key_digest));
    return kept ?? null;
  }
  const kept = state.principal_repeats.get(caller_id)?.get(repeat.key_digest);
  return kept === undefined || command.at - kept.at >= limits.principal_repeats_ms ? null : kept;
}

/** Refuses a used key that comes with another request, or with one that was not compared. */
export function refuseOtherRequest(command: Command): Decision | null {
  return repeatableOf(command)?.same_request === true
    ? null
    : refuse(
        "idempotency_key_mismatch",
        "this Idempotency-Key was used before with another request: use a new one for a new request",
      );
}

interface Repeated {
  readonly at: number;
  readonly actor: Actor;
  readonly idempotency?: Idempotency;
}

/** Keeps what an intercept made, for as long as its session is live. */
export function keepSessionRepeat(state: State, event: Repeated, sequence: number, session_id: string): void {
  const { idempotency } = event;
  const session = state.sessions.get(session_id);
  if (idempotency === undefined || session === undefined || session.stop !== null) {
    return;
  }
  const kept = state.session_repeats.get(session_id) ?? new Map<string, Repeat>();
  state.session_repeats.set(session_id, kept);
  const caller_id = callerId(state, event.actor.key_id);
  keepNewest(kept, repeatKey(caller_id, idempotency.key_digest), limits.session_repeats, {
    at: event.at,
    sequence,
    request_digest: idempotency.request_digest,
    salt: idempotency.salt,
    subject_id: session_id,
  });
}

/** Keeps what any other request made, for a day. */
export function keepPrincipalRepeat(
  state: State,
  event: Repeated,
  sequence: number,
  subject_id: string,
): void {
  const { idempotency } = event;
  if (idempotency === undefined) {
    return;
  }
  const caller_id = callerId(state, event.actor.key_id);
  const kept = state.principal_repeats.get(caller_id) ?? new Map<string, Repeat>();
  state.principal_repeats.set(caller_id, kept);
  for (const [digest, repeat] of kept) {
    if (event.at - repeat.at < limits.principal_repeats_ms) {
      break;
    }
    kept.delete(digest);
  }
  keepNewest(kept, idempotency.key_digest, limits.principal_repeats, {
    at: event.at,
    sequence,
    request_digest: idempotency.request_digest,
    salt: idempotency.salt,
    subject_id,
  });
}

function keepNewest(kept: Map<string, Repeat>, key: string, most: number, repeat: Repeat): void {
  // Deleted first, so that a key used anew counts as the newest.
  kept.delete(key);
  kept.set(key, repeat);
  if (kept.size > most) {
    kept.delete(kept.keys().next().value as string);
  }
}
