/**
 * What the transports see of the services: one way to tell who calls, and one way to call. Both
 * doors, rpc/ and rest/, go through it, so that they can't disagree.
 */

import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { Role } from "../core/actor.js";
import type { KillcordError } from "./errors.js";
import type { Room, Share } from "./room.js";

/** Who calls. */
export interface Principal {
  /** `key_…` of an API key or `cred_…` of a credential. */
  readonly key_id: string;
  /** The role by which the method is allowed: the widest that the key has. */
  readonly role: Role;
}

/** One call, beside its request message. */
export interface Call {
  readonly principal: Principal;
  /** Also in the reply's X-Request-Id and in the log line. */
  readonly request_id: string;
  /** Aborted when the caller has gone or the time is over. */
  readonly signal: AbortSignal;
  /** Headers for the reply; a service may add to them before it answers. */
  readonly reply_headers: Headers;
  /** Monotonic milliseconds (performance.now) when the request's headers had arrived. */
  readonly received_ms: number;
  /** Its part of the room for messages, for work that may outlast it, and its turns, for the next message. */
  readonly share: Pick<Share, "hold" | "turn">;
}

/** Why no commands are taken at the moment. More reasons may come: readers go by the text. */
export interface Reason {
  readonly code: "starting" | "draining" | "log_unwritable";
  readonly message: string;
}

/** What somebody should see to although commands are taken. More may come. */
export interface Warning {
  readonly code: "unwitnessed" | "policies_not_loaded";
  readonly message: string;
}

/** The services, as the transports see them. */
export interface Door {
  /** Every service with its methods, for routing. */
  readonly services: readonly DescService[];
  /** What the messages of all calls take up, whichever way they come. */
  readonly room: Room;
  /**
   * Tells who calls, from the request's headers alone: X-API-Key, Authorization: Bearer and
   * X-Xybern-API-Key are equal; and whether its roles allow the method.
   *
   * @param header gives a header's value by its lower-case name, or null
   * @throws {KillcordError} missing_api_key, invalid_api_key, expired_api_key,
   *   insufficient_permissions
   */
  authenticate(header: (name: string) => string | null, method: DescMethod): Principal;
  /**
   * Calls a unary method: role, validation, then the service.
   *
   * @throws {KillcordError} whatever goes wrong; anything else is a fault of ours
   */
  unary(method: DescMethod, request: Message, call: Call): Promise<Message>;
  /**
   * Calls a server-streaming method. It ends when the stream is over or call.signal aborts.
   *
   * @throws {KillcordError} at the first message or later
   */
  stream(method: DescMethod, request: Message, call: Call): AsyncIterable<Message>;
  /**
   * Calls a bidi method. It ends when the stream is over or call.signal aborts; `requests` throws what
   * ends the caller's side early. Each message is validated by the service, which alone knows whether
   * a bad one ends the call; so is one that cannot be read, which stands among them as its refusal.
   *
   * @throws {KillcordError} at the first message or later
   */
  duplex(
    method: DescMethod,
    requests: AsyncIterable<Message | KillcordError>,
    call: Call,
  ): AsyncIterable<Message>;
  /** Every reason why commands are not taken: while stopping, or after a fault. None when all is well. */
  unready(): readonly Reason[];
}
