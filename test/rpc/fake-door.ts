/** A door whose services a test writes, over the real descriptors. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import {
  GetSessionResponseSchema,
  SessionService,
  type WatchSessionResponse,
  WatchSessionResponseSchema,
} from "../../gen/killcord/v1/session_pb.js";
import type { Call, Door } from "../../src/services/door.js";
import { KillcordError } from "../../src/services/errors.js";
import { Room } from "../../src/services/room.js";
import { ProbeService } from "./probe-service.js";

/** The one key that the door knows. */
export const good_key = "kc_test";

/** What a test may decide; every call is written down in `calls`. */
export interface FakeDoor extends Door {
  calls: { readonly method: DescMethod; readonly request: Message; readonly call: Call }[];
  answer: (request: Message, call: Call) => Promise<Message>;
  follow: (request: Message, call: Call) => AsyncIterable<Message>;
  converse: (requests: AsyncIterable<Message | KillcordError>, call: Call) => AsyncIterable<Message>;
  is_ready: boolean;
}

/**
 * GetSession answers the id that it is asked for; WatchSession tells one session and ends; the probe
 * service answers each message as GetSession would.
 */
export function openFakeDoor(room = new Room()): FakeDoor {
  const door: FakeDoor = {
    services: [SessionService, EnforcementService, ProbeService],
    room,
    calls: [],
    is_ready: true,
    answer: async (request) =>
      create(GetSessionResponseSchema, { session: { sessionId: sessionIdOf(request) } }),
    follow: async function* (request) {
      yield sessionUpdate(sessionIdOf(request), 1);
    },
    converse: async function* (requests) {
      for await (const request of requests) {
        if (request instanceof KillcordError) {
          throw request;
        }
        yield create(GetSessionResponseSchema, { session: { sessionId: sessionIdOf(request) } });
      }
    },
    authenticate(header) {
      const key = header("x-api-key");
      if (key === null) {
        throw new KillcordError("missing_api_key", "no key: send X-API-Key");
      }
      if (key !== good_key) {
        throw new KillcordError("invalid_api_key", "unknown key: send one that exists");
      }
      return { key_id: "key_test", role: "admin" };
    },
    unary(method, request, call) {
      door.calls.push({ method, request, call });
      return door.answer(request, call);
    },
    stream(method, request, call) {
      door.calls.push({ method, request, call });
      return door.follow(request, call);
    },
    duplex(method, requests, call) {
      door.calls.push({ method, request: create(method.input), call });
      return door.converse(requests, call);
    },
    unready: () => (door.is_ready ? [] : [{ code: "log_unwritable", message: "the disk is full" }]),
  };
  return door;
}

/** One message of a watch. */
export function sessionUpdate(session_id: string, revision: number, label?: string): WatchSessionResponse {
  const session = { sessionId: session_id, ...(label === undefined ? {} : { label }) };
  return create(WatchSessionResponseSchema, {
    update: { case: "session", value: session },
    revision: BigInt(revision),
  });
}

/** A watch that tells one session and then waits for its signal; `ended` resolves when it was left. */
export function waitingWatch(): { follow: FakeDoor["follow"]; ended: Promise<Call> } {
  let tell: (call: Call) => void;
  const ended = new Promise<Call>((resolve) => {
    tell = resolve;
  });
  const follow: FakeDoor["follow"] = async function* (request, call) {
    try {
      yield sessionUpdate(sessionIdOf(request), 1);
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
    } finally {
      tell(call);
    }
  };
  return { follow, ended };
}

/** A watch that hears no signal: it tells one session and is parked for ever; `returned` resolves on return(). */
export function deafWatch(): { follow: FakeDoor["follow"]; returned: Promise<void> } {
  let tell: () => void;
  const returned = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const follow: FakeDoor["follow"] = (request) => {
    let told = false;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          const first = !told;
          told = true;
          const value = sessionUpdate(sessionIdOf(request), 1);
          return first ? Promise.resolve({ done: false, value }) : new Promise(() => {});
        },
        return: async () => {
          tell();
          return { done: true, value: undefined };
        },
      }),
    };
  };
  return { follow, returned };
}

function sessionIdOf(request: Message): string {
  return "sessionId" in request ? String(request.sessionId) : "";
}
