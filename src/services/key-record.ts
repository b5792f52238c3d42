/** What API keys and credentials have in common: one kind of record with two views. */
import { CredentialStatus } from "../../gen/killcord/v1/credential_pb.js";
import { isExpired } from "../core/access.js";
import type { Key } from "../core/state.js";
import { limits } from "../limits.js";
import type { Context } from "./context.js";

/** Whether a key or credential is good at a time. */
export function keyStatus(key: Key, at: number): CredentialStatus {
  if (key.revoked !== null) {
    return CredentialStatus.REVOKED;
  }
  return isExpired(key, at) ? CredentialStatus.EXPIRED : CredentialStatus.ACTIVE;
}

/** The seconds that a new secret is good, as asked; null when nothing is said. */
export function ttlOf({ ttlSeconds }: { readonly ttlSeconds?: bigint | undefined }): number | null {
  return ttlSeconds === undefined ? null : Number(ttlSeconds);
}

/** The seconds for which a rotation leaves the old secret good. */
export function overlapOf({ overlapSeconds }: { readonly overlapSeconds?: bigint | undefined }): number {
  return overlapSeconds === undefined ? limits.rotation_overlap_seconds : Number(overlapSeconds);
}

/** Keys and credentials, newest first, each with its number in the order in which they were made. */
export function numbered({ engine }: Context): readonly { readonly key: Key; readonly number: number }[] {
  const keys = [...engine.projection.state.keys.values()];
  return keys.map((key, number) => ({ key, number })).reverse();
}
