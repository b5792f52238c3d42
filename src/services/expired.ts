/** The refusal of a key that was good. */
import type { Key } from "../core/state.js";
import { KillcordError } from "./errors.js";

/** Why nothing more is taken by this key. */
export function expired(key: Key): KillcordError {
  const what = key.revoked === null ? "has expired" : "was revoked";
  return new KillcordError(
    "expired_api_key",
    `the key ${key.key_id} ${what}: stop, or ask an admin for a new one`,
  );
}
