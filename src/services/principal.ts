/** Who calls: from a secret in a header to a key record, and back to new secrets. */
import { createHmac, randomBytes } from "node:crypto";
import type { DescMethod } from "@bufbuild/protobuf";
import { insteadOf, isExpired } from "../core/access.js";
import type { Key, State } from "../core/state.js";
import type { Principal } from "./door.js";
import { KillcordError } from "./errors.js";
import { accessTo, roleFor, teachesStop } from "./roles.js";
import { routeName } from "./route-name.js";

/**
 * What is kept of a secret: HMAC-SHA-256 under the local pepper (vault-format.md, 3:
 * credential_issued). A look-up by this digest compares nothing that a caller can steer byte by
 * byte, so its time tells nothing of other secrets.
 */
export function secretDigest(pepper: Uint8Array, secret: string): string {
  return createHmac("sha256", pepper).update(secret, "utf8").digest("hex");
}

/** A new secret: the prefix and 256 random bits. */
export function newSecret(prefix: string): string {
  return prefix + randomBytes(32).toString("base64url");
}

/**
 * Tells who calls and by which role.
 *
 * @throws {KillcordError} invalid_api_key, expired_api_key, insufficient_permissions
 */
export function identify(
  state: Readonly<State>,
  pepper: Uint8Array,
  secret: string,
  method: DescMethod,
  at: number,
): Principal {
  const key_id = state.keys_by_digest.get(secretDigest(pepper, secret));
  const key = key_id === undefined ? undefined : state.keys.get(key_id);
  if (key === undefined) {
    throw new KillcordError("invalid_api_key", "the API key is not known: check X-API-Key or Authorization");
  }
  refuseSpent(key, method, at);
  const role = roleFor(method, key.roles);
  if (role === null) {
    throw missingRole(method, key);
  }
  return { key_id: key.key_id, role };
}

function missingRole(method: DescMethod, key: Key): KillcordError {
  const wanted = accessTo(method)?.roles ?? [];
  const needed = wanted.length === 0 ? "a role that no key has" : `the role ${wanted.join(" or ")}`;
  const held = key.roles.join(" and ");
  return new KillcordError(
    "insufficient_permissions",
    `${routeName(method)} needs ${needed}, and this key has ${held}: use another key, or have one made`,
  );
}

function refuseSpent(key: Key, method: DescMethod, at: number): void {
  if (key.revoked !== null) {
    if (key.kind !== "credential" || !teachesStop(method)) {
      throw new KillcordError(
        "expired_api_key",
        `the key ${key.key_id} was revoked: ask an admin for a new one`,
      );
    }
  } else if (isExpired(key, at)) {
    throw new KillcordError("expired_api_key", `the key ${key.key_id} has expired: ${insteadOf(key)}`);
  }
}
