/** Takes a call from its headers to its reply: Connect, gRPC and gRPC-Web over one door. */
import type { Registry } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { limits } from "../limits.js";
import type { Door, Principal } from "../services/door.js";
import { requestId } from "../services/request-id.js";
import { readBody } from "./body.js";
import { earlyError } from "./early-error.js";
import { toConnectError, toRefusal } from "./error.js";
import { type HttpReply, type HttpRequest, headerOf, headersOf, targetOf } from "./http.js";
import { beginLife, draining, type Life } from "./life.js";
import { type Log, logCall } from "./log.js";
import { readMessages } from "./messages.js";
import { carrying, createEndpoints } from "./methods.js";
import type { Mount, Pass } from "./mount.js";
import { type Placed, place } from "./place.js";
import { timeout_headers, timeoutOf } from "./protocol.js";
import { refuse } from "./refuse.js";
import { endInTime, send } from "./send.js";

/** What one call can take up; a part of limits.ts. */
export interface CallBounds {
  readonly request_body_bytes: number;
  readonly call_ms: number;
  readonly blocked_reader_ms: number;
}

/** Answers calls of RPC methods. */
export interface RpcHandler {
  /** Whether a path is one of an RPC method, also of one that this server does not have. */
  match(path: string): boolean;
  /** Answers one call; never rejects. */
  handle(request: HttpRequest, reply: HttpReply): Promise<void>;
  /** Brings the streams to their end and refuses new ones: the server is about to stop. */
  drain(): void;
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
  readonly timeout_ms: number | null;
}

const no_one: Principal = { key_id: "", role: "agent" };

/**
 * Makes the handler of what is mounted.
 *
 * @param authenticate judges a call of a keyed method by its headers; throws what refuses it
 * @param registry the messages that travel in google.protobuf.Any, for JSON
 */
export function createRpcHandler(
  mounts: readonly Mount[],
  authenticate: Door["authenticate"],
  log: Log,
  bounds: CallBounds = limits,
  registry?: Registry,
): RpcHandler {
  const endpoints = createEndpoints(mounts, bounds.request_body_bytes, registry);
  const isOurs = ownPaths(mounts);
  const streams = new Set<Life>();
  let is_draining = false;

  /** Serves a call; resolves to what ended it early, if anything did. */
  const serve = async (arrival: Arrival): Promise<unknown> => {
    const { reply, endpoint, protocol } = arrival;
    let life: Life | null = null;
    try {
      const { principal, timeout_ms } = admit(authenticate, arrival, bounds, is_draining);
      life = beginLife(reply, timeout_ms);
      if (endpoint.method.methodKind !== "unary") {
        streams.add(life);
      }
      return await run(arrival, { principal, timeout_ms }, life, bounds);
    } catch (error) {
      if (life?.gone.aborted !== true && !reply.headersSent) {
        refuse(reply, protocol, error instanceof ConnectError ? error : toConnectError(error));
        endInTime(reply, bounds.blocked_reader_ms);
      }
      return error;
    } finally {
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
        refuse(reply, placed.protocol, placed.error, placed.status);
        endInTime(reply, bounds.blocked_reader_ms);
        thrown = placed.error;
      } else {
        thrown = await serve({ ...placed, request, reply, request_id, received_ms });
      }
      const latency_ms = Math.round(performance.now() - received_ms);
      logCall(log, { request_id, method: targetOf(request).path, latency_ms }, thrown);
    },
    drain() {
      is_draining = true;
      for (const life of streams) {
        life.drain();
      }
    },
  };
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
    return { principal, timeout_ms: Math.min(asked_ms ?? bounds.call_ms, bounds.call_ms) };
  }
  if (is_draining) {
    throw draining();
  }
  return { principal, timeout_ms: asked_ms };
}

/**
 * Reads the message, or gets ready to read many, calls the service and sends what it answers; resolves
 * to what the service threw.
 *
 * @throws what ended the call before its service was reached, or broke its reply off
 */
async function run(
  arrival: Arrival,
  { principal, timeout_ms }: Admitted,
  life: Life,
  bounds: CallBounds,
): Promise<unknown> {
  const { request, reply, endpoint, protocol, request_id, received_ms } = arrival;
  const message_bytes_max = bounds.request_body_bytes;
  const { signal } = life;
  const pass: Pass = {
    call: { principal, request_id, received_ms, signal, reply_headers: new Headers() },
    life,
    json: protocol.json,
    message_bytes_max,
    timeout_ms,
    reached: false,
    thrown: undefined,
  };
  const { path, query } = targetOf(request);
  const answer = await endpoint.handler({
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: `http://localhost${path}?${query}`,
    header: callHeaders(request),
    body: await bodyOf(arrival, message_bytes_max, life.ended),
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
  message_bytes_max: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  switch (endpoint.method.methodKind) {
    case "client_streaming":
    case "bidi_streaming":
      return readMessages(request, message_bytes_max, signal);
    case "unary":
    case "server_streaming": {
      const in_query = request.method === "GET";
      return whole(in_query ? new Uint8Array(0) : await readBody(request, message_bytes_max, signal));
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
