/** What API keys and credentials have in common: one kind of record with two views. */
import { CredentialStatus } from "../../gen/killcord/v1/credential_pb.js";
import { isExpired } from "../core/access.js";
import type { Key } from "../core/state.js";
import type { Context } from "./context.js";

/** Whether a key or credential is good at a time. */
export function keyStatus(key: Key, at: number): CredentialStatus {
  if (key.revoked !== null) {
    return CredentialStatus.REVOKED;
  }
  return isExpired(key, at) ? CredentialStatus.EXPIRED : CredentialStatus.ACTIVE;
}

/** Keys and credentials, newest first, each with its number in the order in which they were made. */
export function numbered({ engine }: Context): readonly { readonly key: Key; readonly number: number }[] {
  const keys = [...engine.projection.state.keys.values()];
  return keys.map((key, number) => ({ key, number })).reverse();
}
