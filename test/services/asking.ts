/** Calls methods through the door, as a transport does, without one. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { Actor, Role } from "../../src/core/actor.js";
import type { Rehearsals } from "../../src/services/rehearsal.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import type { Running } from "../engine/place.js";

/** Calls as somebody: a method and its request, to its reply. */
export function asking({ engine, vault }: Running, actor: Actor, rehearsals?: Rehearsals) {
  const door = openDoor({ engine, vault, ...(rehearsals === undefined ? {} : { rehearsals }) });
  return async <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> => {
    const call = {
      principal: { key_id: actor.key_id as string, role: actor.role as Role },
      request_id: "req_1",
      signal: new AbortController().signal,
      reply_headers: new Headers(),
      received_ms: performance.now(),
      share: new Room().enter(method),
    };
    return (await door.unary(method, create(method.input, request), call)) as MessageShape<O>;
  };
}
