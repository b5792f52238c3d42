/** KeyService: the API keys of the workspace. */
import { create } from "@bufbuild/protobuf";
import {
  type CreateKeyRequest,
  CreateKeyRequestSchema,
  type Key as KeyMessage,
  KeySchema,
  type KeyService,
  Role as RoleCode,
  type RotateKeyRequest,
  RotateKeyRequestSchema,
} from "../../gen/killcord/v1/key_pb.js";
import type { Role } from "../core/actor.js";
import type { Key } from "../core/state.js";
import { by, type Context, keep, submit } from "./context.js";
import type { Call } from "./door.js";
import type { Handlers } from "./handlers.js";
import { keyStatus, numbered, overlapOf, ttlOf } from "./key-record.js";
import { cut, pageOf } from "./page.js";
import { newSecret, secretDigest } from "./principal.js";
import { given, timestamp } from "./view.js";

const role_codes: Readonly<Record<Role, RoleCode>> = {
  agent: RoleCode.AGENT,
  operator: RoleCode.OPERATOR,
  approver: RoleCode.APPROVER,
  auditor: RoleCode.AUDITOR,
  admin: RoleCode.ADMIN,
};

export function keyService(context: Context): Handlers<typeof KeyService> {
  return {
    createKey: (request, call) => createKey(context, request, call),
    listKeys: async (request) => {
      const keys = numbered(context).filter(({ key }) => key.kind === "key");
      const { rows, ...rest } = await cut(
        pageOf(request, "keys"),
        keys,
        (row, place) => row.number < Number(place),
        (row) => String(row.number),
      );
      return { keys: rows.map(({ key }) => keyView(context, key)), ...rest };
    },
    rotateKey: (request, call) => rotateKey(context, request, call),
    revokeKey: async ({ keyId, reason }, call) => {
      const { reply } = await submit(
        context,
        call,
        { type: "revoke_key", key_id: keyId, reason: reason ?? "", ...by(call) },
        "key",
      );
      return { key: sealedKey(context, reply.key_id) };
    },
  };
}

async function createKey(context: Context, request: CreateKeyRequest, call: Call) {
  const secret = newSecret(request.prefix ?? "kc_");
  const kept = keep(CreateKeyRequestSchema, request, "CreateKey", []);
  const { reply } = await submit(
    context,
    call,
    {
      type: "create_key",
      name: request.name,
      roles: request.roles.map(roleAsked),
      agent_id: request.agentId ?? null,
      secret_digest: secretDigest(context.vault.pepper, secret),
      ttl_seconds: ttlOf(request),
      repeat: kept.repeat,
      ...by(call),
    },
    "key",
    { request: kept.request },
  );
  const key = sealedKey(context, reply.key_id);
  return reply.replayed ? { key } : { key, secret };
}

async function rotateKey(context: Context, request: RotateKeyRequest, call: Call) {
  const secret = newSecret(request.prefix ?? "kc_");
  const kept = keep(RotateKeyRequestSchema, request, "RotateKey", [request.keyId]);
  const { reply } = await submit(
    context,
    call,
    {
      type: "rotate_key",
      kind: "key",
      key_id: request.keyId,
      secret_digest: secretDigest(context.vault.pepper, secret),
      overlap_seconds: overlapOf(request),
      ttl_seconds: ttlOf(request),
      repeat: kept.repeat,
      ...by(call),
    },
    "key",
    { request: kept.request },
  );
  const rotated = { key: sealedKey(context, reply.key_id), replaced: sealedKey(context, request.keyId) };
  return reply.replayed ? rotated : { ...rotated, secret };
}

function sealedKey(context: Context, key_id: string): KeyMessage {
  return keyView(context, context.engine.projection.state.keys.get(key_id) as Key);
}

function roleAsked(code: RoleCode): Role {
  const found = Object.entries(role_codes).find(([, each]) => each === code);
  return (found as [Role, RoleCode])[0];
}

function keyView({ engine }: Context, key: Key): KeyMessage {
  return create(KeySchema, {
    keyId: key.key_id,
    name: key.name,
    roles: key.roles.map((role) => role_codes[role]),
    status: keyStatus(key, engine.clock.now()),
    createdAt: timestamp(key.created_at),
    ...given("agentId", key.agent_id),
    ...given("expiresAt", key.expires_at === null ? null : timestamp(key.expires_at)),
    ...given("revokedAt", key.revoked === null ? null : timestamp(key.revoked.at)),
    ...given("revokeReason", key.revoked?.reason || null),
    ...given("replacedBy", key.replaced_by),
  });
}
