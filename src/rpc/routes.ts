/** Takes a call from its headers to its reply: Connect, gRPC and gRPC-Web over one door. */
import type { Registry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { limits } from "../limits.js";
import {
  type CallLine,
  type CountRefusal,
  type DoorName,
  type Log,
  latencySince,
  logCall,
} from "../services/call-log.js";
import type { Door, Principal } from "../services/door.js";
import { requestId } from "../services/request-id.js";
import { Room, type Share } from "../services/room.js";
import { readBody } from "./body.js";
import { converse, isPlain } from "./converse.js";
import { earlyError } from "./early-error.js";
import { toConnectError, toRefusal, withoutDetails } from "./error.js";
import { type HttpReply, type HttpRequest, headerOf, headersOf, targetOf } from "./http.js";
import { beginLife, draining, type Life } from "./life.js";
import { readMessages } from "./messages.js";
import { carrying, createEndpoints } from "./methods.js";
import type { Mount, Pass } from "./mount.js";
import { type Misplaced, type Placed, place } from "./place.js";
import { type Protocol, timeout_headers, timeoutOf } from "./protocol.js";
import { refuse } from "./refuse.js";
import { endInTime, send } from "./send.js";

/** What one call can take up; a part of limits.ts. */
export interface CallBounds {
  readonly request_body_bytes: number;
  readonly request_ms: number;
  readonly call_ms: number;
  readonly blocked_reader_ms: number;
  readonly drain_notice_ms: number;
}

/** Answers calls of RPC methods. */
export interface RpcHandler {
  /** Whether a path is one of an RPC method, also of one that this server does not have. */
  match(path: string): boolean;
  /** Answers one call; never rejects. */
  handle(request: HttpRequest, reply: HttpReply): Promise<void>;
  /** Brings the streams to their end and refuses new ones: the server is about to stop. */
  drain(): void;
  /** How many streaming calls are under way. */
  streams(): number;
}

/** A request that is a call, before it is let in. */
interface Arrival extends Placed {
  readonly request: HttpRequest;
  readonly reply: HttpReply;
  readonly request_id: string;
  readonly received_ms: number;
}

/** A call that was let in. */
interface Admitted {
  readonly principal: Principal;
  /** What the caller gives, and what the call gets. */
  readonly asked_ms: number | null;
  readonly timeout_ms: number | null;
}

const no_one: Principal = { key_id: "", role: "agent" };

/** What a handler is made of. */
export interface RpcParts {
  readonly mounts: readonly Mount[];
  /** Judges a call of a keyed method by its headers; throws what refuses it. */
  readonly authenticate: Door["authenticate"];
  readonly log: Log;
  readonly bounds?: CallBounds;
  /** The messages that travel in google.protobuf.Any, for JSON. */
  readonly registry?: Registry;
  /** Whether refusals carry google.rpc details; not all callers count on them. */
  readonly details?: boolean;
  /** Where the messages of calls find room; one of their own when absent. */
  readonly room?: Room;
  readonly countRefusal?: CountRefusal;
}

/** Makes the handler of what is mounted. */
export function createRpcHandler(parts: RpcParts): RpcHandler {
  const { mounts, authenticate, log, bounds = limits, registry = null, details = true } = parts;
  const { countRefusal = () => {}, room = new Room() } = parts;
  const endpoints = createEndpoints(mounts, bounds.request_body_bytes, registry);
  const tell = details ? (error: ConnectError) => error : withoutDetails;
  const isOurs = ownPaths(mounts);
  const streams = new Set<Life>();
  let is_draining = false;

  /** Serves a call; resolves to what ended it early, if anything did. */
  const serve = async (arrival: Arrival): Promise<unknown> => {
    const { reply, endpoint, protocol } = arrival;
    let life: Life | null = null;
    let share: Share | null = null;
    try {
      const admitted = admit(authenticate, arrival, bounds, is_draining);
      share = room.enter(endpoint.method);
      await share.turn();
      life = beginLife(reply, admitted.timeout_ms);
      if (endpoint.method.methodKind !== "unary") {
        streams.add(life);
      }
      return await run(arrival, admitted, { life, share, tell }, bounds);
    } catch (error) {
      if (life?.gone.aborted !== true && !reply.headersSent) {
        refuse(reply, protocol, tell(toConnectError(error)));
        endInTime(reply, bounds.blocked_reader_ms);
      }
      return error;
    } finally {
      share?.leave();
      if (life !== null) {
        life.finish();
        streams.delete(life);
      }
    }
  };

  return {
    match: isOurs,
    async handle(request, reply) {
      const received_ms = performance.now();
      const request_id = requestId(headerOf(request, "x-request-id"));
      reply.setHeader("x-request-id", request_id);
      const placed = place(request, endpoints);
      let thrown: unknown;
      if (placed.endpoint === null) {
        if (placed.allow !== null) {
          reply.setHeader("allow", placed.allow);
        }
        refuse(reply, placed.protocol, tell(placed.error), placed.status);
        endInTime(reply, bounds.blocked_reader_ms);
        thrown = placed.error;
      } else {
        thrown = await serve({ ...placed, request, reply, request_id, received_ms });
      }
      logCall(log, lineOf(placed, request_id, received_ms), thrown, countRefusal);
    },
    drain() {
      is_draining = true;
      for (const life of streams) {
        life.drain(bounds.drain_notice_ms);
      }
    },
    streams: () => streams.size,
  };
}

function lineOf(placed: Placed | Misplaced, request_id: string, received_ms: number): CallLine {
  // Not the path: one that no method has is the caller's own text.
  const method = placed.endpoint?.handler.requestPath ?? null;
  return { request_id, door: doorOf(placed.protocol), method, latency_ms: latencySince(received_ms) };
}

function doorOf(protocol: Protocol | null): DoorName {
  return protocol?.kind === "grpc" || protocol?.kind === "grpc_web" ? protocol.kind : "connect";
}

/** The paths of the mounted packages, also of methods and services that they do not have; REST paths begin otherwise. */
function ownPaths(mounts: readonly Mount[]): (path: string) => boolean {
  const packages = new Set(mounts.map(({ service }) => service.typeName.split(".")[0]));
  const rpc_path = /^\/([A-Za-z0-9_]+)\.[A-Za-z0-9_.]+\/[^/]+$/;
  return (path) => packages.has(rpc_path.exec(path)?.[1]);
}

/** Judges a call by its headers alone. @throws what refuses it */
function admit(
  authenticate: Door["authenticate"],
  arrival: Arrival,
  bounds: CallBounds,
  is_draining: boolean,
): Admitted {
  const { request, endpoint, protocol } = arrival;
  const { method, keyed } = endpoint;
  const principal = keyed ? authenticate((name) => headerOf(request, name), method) : no_one;
  const asked_ms = timeoutOf(request, protocol);
  if (method.methodKind === "unary") {
    return { principal, asked_ms, timeout_ms: Math.min(asked_ms ?? bounds.call_ms, bounds.call_ms) };
  }
  if (is_draining) {
    throw draining();
  }
  return { principal, asked_ms, timeout_ms: asked_ms };
}

/**
 * Reads the message, or gets ready to read many, calls the service and sends what it answers; resolves
 * to what the service threw.
 *
 * @throws what ended the call before its service was reached, or broke its reply off
 */
async function run(
  arrival: Arrival,
  { principal, asked_ms }: Admitted,
  parts: Pick<Pass, "life" | "share" | "tell">,
  bounds: CallBounds,
): Promise<unknown> {
  const { request, reply, endpoint, protocol, request_id, received_ms } = arrival;
  const { message_bytes_max } = endpoint;
  const { life, share } = parts;
  const pass: Pass = {
    ...parts,
    call: { principal, request_id, received_ms, signal: life.signal, reply_headers: new Headers(), share },
    json: protocol.json,
    message_bytes_max,
    timeout_ms: asked_ms,
    reached: false,
    thrown: undefined,
  };
  if (endpoint.duplex !== null && isPlain(request, protocol)) {
    const { method, duplex } = endpoint;
    return await converse({ request, reply, protocol, method, duplex }, pass, bounds);
  }
  const { path, query } = targetOf(request);
  const answer = await endpoint.handler({
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: `http://localhost${path}?${query}`,
    header: callHeaders(request),
    body: await bodyOf(arrival, bounds, pass),
    signal: life.ended,
    contextValues: carrying(pass),
  });
  if (!pass.reached) {
    const early = await earlyError(answer, protocol);
    throw toRefusal(early, endpoint.method.input, protocol.json, message_bytes_max);
  }
  await send(answer, reply, life, bounds.blocked_reader_ms);
  return pass.thrown;
}

/** One message is read whole before its service is called; several as they come. */
async function bodyOf(
  { request, endpoint }: Arrival,
  { request_ms }: CallBounds,
  { life, share, message_bytes_max }: Pass,
): Promise<AsyncIterable<Uint8Array>> {
  switch (endpoint.method.methodKind) {
    case "client_streaming":
    case "bidi_streaming":
      return readMessages(request, { request_body_bytes: message_bytes_max, request_ms }, life.ended, share);
    case "unary":
    case "server_streaming": {
      const in_query = request.method === "GET";
      return whole(
        in_query ? new Uint8Array(0) : await readBody(request, message_bytes_max, life.ended, share),
      );
    }
  }
}

/** The headers, without the call's time: that is kept here, also while the body is read. */
function callHeaders(request: HttpRequest): Headers {
  const headers = headersOf(request);
  headers.delete(timeout_headers.connect);
  headers.delete(timeout_headers.grpc);
  return headers;
}

async function* whole(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}
