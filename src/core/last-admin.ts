/**
 * Nobody can lock everybody out: keys are made by admin keys alone, and a workspace that has none is
 * closed for good. So the admin key that is good for longest is neither revoked nor replaced by one
 * that ends sooner; who wants that makes another one first.
 */
import { isExpired } from "./access.js";
import { type Decision, refuse } from "./decision.js";
import type { Key, State } from "./state.js";

/**
 * Refuses what would end `key` when no other admin key is good for as long.
 *
 * @param ends_at when it, or what takes its place, would end; null: never
 */
export function refuseLastAdmin(state: State, key: Key, ends_at: number | null, at: number): Decision | null {
  if (!isGoodAdmin(key, at) || endOf(ends_at) >= endOf(key.expires_at)) {
    return null;
  }
  for (const other of state.keys.values()) {
    if (other !== key && isGoodAdmin(other, at) && endOf(other.expires_at) >= endOf(key.expires_at)) {
      return null;
    }
  }
  return refuse(
    "last_admin_key",
    `${key.key_id} is the admin key that is good for longest, and without one nobody could make keys again: make another with the role admin and no earlier end first`,
  );
}

function isGoodAdmin(key: Key, at: number): boolean {
  return key.kind === "key" && key.revoked === null && key.roles.includes("admin") && !isExpired(key, at);
}

function endOf(expires_at: number | null): number {
  return expires_at ?? Number.POSITIVE_INFINITY;
}
