/** Rotation: a new secret takes the place of an old one, and both are good for a while. */
import { limits } from "../limits.js";
import { isExpired, quoted } from "./access.js";
import type { RotateKey } from "./command.js";
import { answer, type Decision, Draft, refuse } from "./decision.js";
import { idAt } from "./ids.js";
import { refuseLastAdmin } from "./last-admin.js";
import { keptRepeat, refuseOtherRequest } from "./repeat.js";
import type { Key, State } from "./state.js";

/**
 * Makes a key that is like the old one but for its secret. Nothing is revoked, so no session stops:
 * the old one has an end from now on, and the entry of the new one says which.
 */
export function rotateKey(state: State, command: RotateKey): Decision {
  const old = state.keys.get(command.key_id);
  if (old?.kind !== command.kind) {
    return command.kind === "key"
      ? refuse("key_not_found", `there is no API key ${quoted(command.key_id)}`)
      : refuse("credential_not_found", `there is no credential ${quoted(command.key_id)}`);
  }
  const kept = keptRepeat(state, command);
  if (kept !== null) {
    return refuseOtherRequest(command) ?? answer({ type: "key", key_id: kept.subject_id, replayed: true });
  }
  const refusal = refuseRotation(state, command, old);
  if (refusal !== null) {
    return refusal;
  }
  const draft = new Draft(state, command);
  const key_id = idAt(old.kind === "key" ? "key" : "cred", draft.next_sequence);
  const { actor, secret_digest } = command;
  const expires_at = endOfNew(command, old);
  const overlap_ends_at = endOfOld(command, old);
  const common = { actor, secret_digest, expires_at, replaces: old.key_id, overlap_ends_at };
  if (old.kind === "key") {
    const { name, roles, agent_id } = old;
    const granted = { granted_role: roles[0] ?? "agent", granted_roles: roles };
    draft.add({ event: "api_key_created", key_id, name, agent_id, ...granted, ...common }, command.repeat);
  } else {
    const of_agent = { agent_id: old.agent_id as string, require_session: old.require_session };
    draft.add(
      // No parent: a revocation of the old one must not reach the sessions of the new one.
      {
        event: "credential_issued",
        credential_id: key_id,
        parent_credential_id: null,
        ...of_agent,
        ...common,
      },
      command.repeat,
    );
  }
  return { reply: { type: "key", key_id, replayed: false }, events: draft.events };
}

function refuseRotation(state: State, command: RotateKey, old: Key): Decision | null {
  if (old.revoked !== null) {
    return refuse("credential_revoked", `${old.key_id} was revoked: make a new one instead of rotating it`);
  }
  if (old.replaced_by !== null) {
    return refuse("already_exists", `${old.key_id} was rotated before: rotate ${old.replaced_by}`);
  }
  if (isExpired(old, command.at)) {
    return refuse("credential_revoked", `${old.key_id} has expired: make a new one instead of rotating it`);
  }
  return state.keys.size >= limits.keys
    ? refuse("limit_reached", "the workspace holds no more keys or credentials")
    : refuseLastAdmin(state, old, endOfNew(command, old), command.at);
}

/** As asked, or as long as the old one was given. */
function endOfNew({ at, ttl_seconds }: RotateKey, old: Key): number | null {
  if (ttl_seconds !== null) {
    return at + ttl_seconds * 1000;
  }
  return old.expires_at === null ? null : at + (old.expires_at - old.created_at);
}

function endOfOld({ at, overlap_seconds }: RotateKey, old: Key): number {
  return Math.min(at + overlap_seconds * 1000, old.expires_at ?? Number.POSITIVE_INFINITY);
}
