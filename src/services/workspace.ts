/** The door to one workspace: its services joined, with access and validation in front of each. */
import { create, type DescMethod, isMessage, type Message } from "@bufbuild/protobuf";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { EscalationService } from "../../gen/killcord/v1/escalation_pb.js";
import { HaltService } from "../../gen/killcord/v1/halt_pb.js";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { PolicyService } from "../../gen/killcord/v1/policy_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import type { Standing } from "../engine/sequencer.js";
import type { Context } from "./context.js";
import { credentialService } from "./credential.js";
import { keyFromHeaders } from "./credentials-header.js";
import type { Call, Door, Reason } from "./door.js";
import { enforcementService } from "./enforcement.js";
import type { KillcordError } from "./errors.js";
import { escalationService } from "./escalation.js";
import { haltService } from "./halt.js";
import { keyService } from "./key.js";
import { untilKeyEnds } from "./key-end.js";
import { policyService } from "./policy.js";
import { identify } from "./principal.js";
import { checkMatrix } from "./roles.js";
import { Room } from "./room.js";
import { sessionService } from "./session.js";
import { prepareValidation, validate } from "./validate.js";
import { vaultService } from "./vault.js";

type Reply = Record<string, unknown>;
type AnyHandler = (
  request: Message | AsyncIterable<Message | KillcordError>,
  call: Call,
) => Promise<Reply> | AsyncIterable<Reply>;

/** Every service of the API. */
export const services = [
  SessionService,
  EnforcementService,
  CredentialService,
  HaltService,
  PolicyService,
  EscalationService,
  VaultService,
  KeyService,
] as const;

export function openDoor(context: Context): Door {
  const handlers = new Map<string, Readonly<Record<string, AnyHandler>>>([
    [SessionService.typeName, sessionService(context) as never],
    [EnforcementService.typeName, enforcementService(context) as never],
    [CredentialService.typeName, credentialService(context) as never],
    [HaltService.typeName, haltService(context) as never],
    [PolicyService.typeName, policyService(context) as never],
    [EscalationService.typeName, escalationService(context) as never],
    [VaultService.typeName, vaultService(context) as never],
    [KeyService.typeName, keyService(context) as never],
  ]);
  const handlerOf = (method: DescMethod): AnyHandler => {
    const handler = handlers.get(method.parent.typeName)?.[method.localName];
    if (handler === undefined) {
      throw new Error(`${method.parent.typeName}.${method.name} has no handler`);
    }
    return handler;
  };
  checkMatrix(services);
  for (const service of services) {
    for (const method of service.methods) {
      prepareValidation(method.input);
    }
  }
  return {
    services,
    room: new Room(),
    authenticate: (header, method) =>
      identify(
        context.engine.state,
        context.vault.pepper,
        keyFromHeaders(header),
        method,
        context.engine.clock.now(),
      ),
    unary: async (method, request, call) => {
      validate(method.input, request);
      const reply = await (handlerOf(method)(request, call) as Promise<Reply>);
      return messageOf(method, reply);
    },
    stream: async function* (method, request, call) {
      validate(method.input, request);
      const open = (of: Call) => handlerOf(method)(request, of) as AsyncIterable<Reply>;
      for await (const reply of untilKeyEnds(context, method, call, open)) {
        yield messageOf(method, reply);
      }
    },
    duplex: (method, requests, call) => handlerOf(method)(requests, call) as AsyncIterable<never>,
    unready: () => reasonsOf(context.engine.standing),
  };
}

function reasonsOf(standing: Standing): readonly Reason[] {
  switch (standing) {
    case "running":
      return [];
    case "stopping":
      return [{ code: "draining", message: "the server is about to stop" }];
    case "failed":
      return [{ code: "log_unwritable", message: "the log cannot be written: restart to replay it" }];
  }
}

function messageOf(method: DescMethod, reply: Reply): Message {
  return isMessage(reply, method.output) ? reply : create(method.output, reply);
}
