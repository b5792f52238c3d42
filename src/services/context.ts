/** What every service works with. */

import {
  type DescMessage,
  type JsonObject,
  type Message,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { Actor } from "../core/actor.js";
import type { Command, Unstamped } from "../core/command.js";
import type { Reply } from "../core/decision.js";
import type { Key } from "../core/state.js";
import { type RepeatableRequest, repeatable } from "../engine/digest.js";
import type { Engine } from "../engine/engine.js";
import { EngineFault } from "../engine/fault.js";
import type { Enclosed, Outcome } from "../engine/outcome.js";
import { newSalt } from "../engine/salt.js";
import { canonical } from "../vault/canonical.js";
import { decimals } from "../vault/details.js";
import type { Vault } from "../vault/vault.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Rehearsals } from "./rehearsal.js";

export interface Context {
  readonly engine: Engine;
  readonly vault: Vault;
  /** Where stops can be rehearsed. */
  readonly rehearsals?: Rehearsals;
  /** The directory that this server reads policies from: nobody else changes those of files. */
  readonly policy_directory?: string;
}

/** Who a command is by. */
export function actorOf(call: Call): Actor {
  return { key_id: call.principal.key_id, role: call.principal.role };
}

/** The common members of a command made for a call. */
export function by(call: Call): { readonly actor: Actor; readonly request_id: string } {
  return { actor: actorOf(call), request_id: call.request_id };
}

/** The key behind a call, as it is now. */
export function callerKey({ engine }: Context, call: Call): Key {
  const key = engine.state.keys.get(call.principal.key_id);
  if (key === undefined) {
    throw new KillcordError("invalid_api_key", "the API key is not known: check KILLCORD_API_KEY");
  }
  return key;
}

/** A reply that is not a refusal. */
export type Accepted<Type extends Reply["type"]> = Outcome & {
  readonly reply: Extract<Reply, { type: Type }>;
};

/**
 * Submits a command and answers when it is durable.
 *
 * @throws {KillcordError} the refusal, or overloaded or unavailable
 */
export async function submit<Type extends Exclude<Reply["type"], "refused">>(
  { engine }: Context,
  call: Call,
  command: Unstamped,
  expected: Type,
  enclosed: Enclosed = {},
): Promise<Accepted<Type>> {
  const outcome = await engine.submit(command, enclosed).catch((error: unknown) => {
    throw faultOf(error);
  });
  const { reply } = outcome;
  if (reply.type === "refused") {
    const { code, message, details = [] } = reply;
    throw new KillcordError(code, message, { details });
  }
  if (reply.type !== expected) {
    throw new Error(`a ${command.type} command was answered with ${reply.type}, ${expected} was expected`);
  }
  if ("replayed" in reply && reply.replayed) {
    call.reply_headers.set("idempotency-replayed", "true");
  }
  return outcome as Accepted<Type>;
}

/** A fault of the engine as callers see it. */
export function faultOf(error: unknown): unknown {
  return error instanceof EngineFault
    ? new KillcordError(error.code, error.message, {
        ...(error.retry_after_ms === null ? {} : { retry_after_ms: error.retry_after_ms }),
        cause: error,
      })
    : error;
}

/** A request with an idempotency key: what the command carries, and the text that it stands for. */
export interface Kept {
  readonly repeat: Extract<Command, { type: "kill_session" }>["repeat"];
  readonly request: string | null;
}

/**
 * What a command carries of an idempotency key.
 *
 * @param route the method's name
 * @param ids ids in the request's path
 * @param salt the details' salt when the entry will have details
 */
export function keep<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc> & Message & { readonly idempotencyKey?: string | undefined },
  route: string,
  ids: readonly string[],
  salt: string = newSalt(),
): Kept {
  const key = message.idempotencyKey;
  if (key === undefined) {
    return { repeat: null, request: null };
  }
  const { idempotencyKey: _, ...request } = toJson(schema, message) as JsonObject;
  const text = canonical(decimals(request, "").value, Number.POSITIVE_INFINITY);
  const asked: RepeatableRequest = { route, ids, key, request: text, salt };
  return { repeat: repeatable(asked), request: text };
}
