/** Digests that the engine makes of requests, so that a repeat is recognised also after a restart. */
import { createHash } from "node:crypto";
import type { Command, Repeatable } from "../core/command.js";
import { keptRepeat } from "../core/repeat.js";
import type { State } from "../core/state.js";

/** A request with an idempotency key, as a service sees it. */
export interface RepeatableRequest {
  /** The route, the ids in its path and the caller's key (vault-format.md, 3). */
  readonly route: string;
  readonly ids: readonly string[];
  readonly key: string;
  /** Canonical text of the request. */
  readonly request: string;
  /** 32 hex digits: the details' salt, or one that becomes the content's. */
  readonly salt: string;
}

/** SHA-256 of the route, the ids and the key, joined by `|`. */
export function keyDigest(request: RepeatableRequest): string {
  const parts = [request.route, ...request.ids, request.key];
  return createHash("sha256").update(parts.join("|"), "utf8").digest("hex");
}

/** SHA-256 of the 16 bytes of the salt and the canonical request. */
export function requestDigest(salt: string, request: string): string {
  return createHash("sha256").update(Buffer.from(salt, "hex")).update(request, "ascii").digest("hex");
}

/** What a command carries of a request that may be a repeat. */
export function repeatable(request: RepeatableRequest): Repeatable {
  return {
    key_digest: keyDigest(request),
    request_digest: requestDigest(request.salt, request.request),
    salt: request.salt,
    same_request: null,
  };
}

/**
 * Says on a command whether its request is the one kept under its idempotency key. Details that
 * were erased took the salt with them: then the key alone counts.
 */
export function stampRepeat<C extends Command>(state: State, command: C, request: string | null): C {
  const kept = keptRepeat(state, command);
  if (kept === null || request === null || !("repeat" in command) || command.repeat === null) {
    return command;
  }
  const same_request = kept.salt === null || requestDigest(kept.salt, request) === kept.request_digest;
  return { ...command, repeat: { ...command.repeat, same_request } };
}

/** The policy_set_digest of ids and versions, sorted by id (vault-format.md, 3: policy_changed). */
export function policySetDigest(policies: readonly (readonly [string, number])[]): string {
  // Ids are hex digits: this is the canonical text.
  return createHash("sha256").update(JSON.stringify(policies), "ascii").digest("hex");
}
