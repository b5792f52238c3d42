/** Credentials as messages of the API. */
import { create } from "@bufbuild/protobuf";
import {
  type Credential as CredentialMessage,
  CredentialSchema,
} from "../../gen/killcord/v1/credential_pb.js";
import type { Key } from "../core/state.js";
import type { Context } from "./context.js";
import { KillcordError } from "./errors.js";
import { keyStatus } from "./key-record.js";
import { given, timestamp } from "./view.js";

/** @throws {KillcordError} credential_not_found */
export function knownCredential({ engine }: Context, credential_id: string): Key {
  const key = engine.projection.state.keys.get(credential_id);
  if (key?.kind !== "credential") {
    throw new KillcordError(
      "credential_not_found",
      `there is no credential ${JSON.stringify(credential_id)}`,
    );
  }
  return key;
}

/** With its secret where this is the one time that it is told. */
export function credentialView({ engine }: Context, key: Key, secret: string | null): CredentialMessage {
  return create(CredentialSchema, {
    credentialId: key.key_id,
    status: keyStatus(key, engine.clock.now()),
    createdAt: timestamp(key.created_at),
    requireSession: key.require_session,
    ...given("agentId", key.agent_id),
    ...given("expiresAt", key.expires_at === null ? null : timestamp(key.expires_at)),
    ...given("revokedAt", key.revoked === null ? null : timestamp(key.revoked.at)),
    ...given("revokeReason", key.revoked?.reason || null),
    ...given("secret", secret),
    ...given("replacedBy", key.replaced_by),
  });
}
