/**
 * The REST surface as an HTTP handler: route, key, body, message, call, reply. The key is checked
 * before a byte of the body is read.
 */
import { limits } from "../limits.js";
import type { Call, Door } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import { requestId } from "../services/request-id.js";
import { watchCaller } from "./caller.js";
import { applyIdempotencyKey, nameRule, reshape } from "./compat.js";
import type { StreamBounds } from "./event-stream.js";
import {
  type Exchange,
  headerOf,
  type Incoming,
  type Outgoing,
  type RefusedBodyBounds,
  type Reply,
  sendReply,
} from "./exchange.js";
import { readRequest } from "./params.js";
import { type BodyBounds, readBody } from "./request-body.js";
import { compileRoutes, type Route } from "./routes.js";
import { errorReply, type Refusal, refusalOf } from "./status.js";
import { createStreams } from "./streams.js";
import { createRouter, cutQuery, type Match } from "./trie.js";
import { writeReply } from "./write.js";

/** Every route exists at each of these. */
const mounts = ["", "/api"] as const;

/** Where faults go. A pino logger fits. */
export interface RestLog {
  error(fields: { readonly request_id: string; readonly err: unknown }, message: string): void;
}

/** Sizes and times; the defaults are those of limits.ts. */
export interface RestBounds extends BodyBounds, RefusedBodyBounds, StreamBounds {
  readonly call_ms: number;
}

/** The REST surface. */
export interface RestHandler {
  /** Answers a request, whatever it is: one that has no route gets 404. It never rejects. */
  handle(req: Incoming, res: Outgoing): Promise<void>;
  /** Brings the streams to their end and refuses new ones: the server is about to stop. */
  drain(): void;
}

/**
 * Makes the handler of a door's services.
 *
 * @throws {Error} when a http option does not fit its method, or two routes are the same
 */
export function createRestHandler(door: Door, log: RestLog, bounds: RestBounds = limits): RestHandler {
  const routes = compileRoutes(door.services);
  const router = createRouter(routes, mounts);

  const streams = createStreams(door, bounds);

  /** The reply, or null when everything has been sent. */
  async function answer(exchange: Exchange, received_ms: number): Promise<Reply | null> {
    const { req, res, request_id } = exchange;
    const method = req.method ?? "";
    const target = req.url ?? "";
    const found = router.match(method, target);
    if (found.kind !== "route") {
      return refusalReply(unrouted(found, method, target), request_id);
    }
    const { route, values } = found;
    const principal = door.authenticate((name) => headerOf(req, name), route.rpc);
    const body = await readBody(req, bounds);
    const request = readRequest(route, route.rpc.input, { values, target, body }, nameRule);
    applyIdempotencyKey(route.rpc.input, request, headerOf(req, "idempotency-key"));
    if (route.rpc.methodKind === "server_streaming") {
      await streams.send(exchange, route, request, { principal, received_ms });
      return null;
    }

    const watch = watchCaller(res, bounds.call_ms);
    const reply_headers = new Headers();
    const call: Call = { principal, request_id, signal: watch.signal, reply_headers, received_ms };
    try {
      const response = await Promise.race([door.unary(route.rpc, request, call), watch.given_up]);
      const plain = writeReply(response, route.rpc.output, route.response_body, reshape);
      return jsonReply(200, request_id, reply_headers, plain);
    } finally {
      watch.end();
    }
  }

  async function handle(req: Incoming, res: Outgoing): Promise<void> {
    const received_ms = performance.now();
    const exchange: Exchange = { req, res, request_id: requestId(headerOf(req, "x-request-id")) };
    let reply: Reply | null;
    try {
      reply = await answer(exchange, received_ms);
    } catch (thrown) {
      const known = thrown instanceof KillcordError;
      if (!known || thrown.code === "internal" || thrown.code === "data_loss") {
        log.error({ request_id: exchange.request_id, err: thrown }, "a REST request failed");
      }
      reply = refusalReply(known ? refusalOf(thrown) : null, exchange.request_id);
    }
    if (reply !== null) {
      sendReply(exchange, reply, bounds);
    }
  }

  return { handle, drain: streams.drain };
}

function unrouted(found: Exclude<Match<Route>, { kind: "route" }>, method: string, target: string): Refusal {
  switch (found.kind) {
    case "invalid_path":
      return refusalOf(
        new KillcordError(
          "invalid_path",
          "the path holds a malformed percent escape, or bytes that need one",
        ),
      );
    case "route_not_found": {
      const path = cutQuery(target).slice(0, limits.issue_name_characters);
      return refusalOf(new KillcordError("route_not_found", `no route for ${method} ${path}`));
    }
    case "method_not_allowed": {
      const error = new KillcordError("method_not_allowed", `${method} is not allowed here`);
      return { ...refusalOf(error), allow: found.allow };
    }
  }
}

/** null stands for a fault of ours, of which the caller learns nothing but its request id. */
function refusalReply(refusal: Refusal | null, request_id: string): Reply {
  const { status, headers, body } = errorReply(refusal, request_id);
  return jsonReply(status, request_id, headers, body);
}

function jsonReply(
  status: number,
  request_id: string,
  more: Iterable<readonly [string, string]>,
  body: unknown,
): Reply {
  const headers = new Map([
    ...more,
    ["content-type", "application/json; charset=utf-8"],
    ["cache-control", "no-store"],
    ["x-request-id", request_id],
  ] as const);
  return { status, headers, body: JSON.stringify(body) };
}
