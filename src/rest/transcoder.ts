/**
 * The REST surface as an HTTP handler: route, key, body, message, call, reply. The key is checked
 * before a byte of the body is read.
 */
import type { Message } from "@bufbuild/protobuf";
import { limits } from "../limits.js";
import { type CountRefusal, type Log, latencySince, logCall } from "../services/call-log.js";
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
  type Reply,
  type ReplyBounds,
} from "./exchange.js";
import type { Page } from "./pages.js";
import { readRequest } from "./params.js";
import { type BodyBounds, readBody } from "./request-body.js";
import { compileRoutes, type Route } from "./routes.js";
import { sendReply } from "./send-reply.js";
import { errorReply, type Refusal, refusalOf } from "./status.js";
import { type By, createStreams } from "./streams.js";
import { createRouter, cutQuery, type Match, type Router } from "./trie.js";
import { writeReply } from "./write.js";

/** Every route exists at each of these. */
const mounts = ["", "/api"] as const;

/** Sizes and times; the defaults are those of limits.ts. */
export interface RestBounds extends BodyBounds, ReplyBounds, StreamBounds {
  readonly call_ms: number;
}

/** What a surface can do beside its methods. */
export interface RestOptions {
  readonly bounds?: RestBounds;
  readonly countRefusal?: CountRefusal;
  readonly pages?: readonly Page[];
}

/** What a request is for. */
type Found = Match<Route> | { readonly kind: "page"; readonly page: Page };

/** The REST surface. */
export interface RestHandler {
  /** Answers a request, whatever it is: one that has no route gets 404. It never rejects. */
  handle(req: Incoming, res: Outgoing): Promise<void>;
  /** Brings the streams to their end and refuses new ones: the server is about to stop. */
  drain(): void;
  /** How many streams are under way. */
  streams(): number;
}

/**
 * Makes the handler of a door's services.
 *
 * @throws {Error} when a http option does not fit its method, or two routes are the same
 */
export function createRestHandler(
  door: Door,
  log: Log,
  { bounds = limits, countRefusal = () => {}, pages = [] }: RestOptions = {},
): RestHandler {
  const routes = compileRoutes(door.services);
  const router = createRouter(routes, mounts);

  const streams = createStreams(door, bounds);

  /** The reply, or null when everything has been sent. */
  async function answer(exchange: Exchange, found: Found, received_ms: number): Promise<Reply | null> {
    const { req } = exchange;
    const target = req.url ?? "";
    if (found.kind === "page") {
      return readPage(door, found.page, exchange);
    }
    if (found.kind !== "route") {
      throw unrouted(found, req.method ?? "", target);
    }
    const { route, values } = found;
    const principal = door.authenticate((name) => headerOf(req, name), route.rpc);
    const share = door.room.enter(route.rpc);
    try {
      await share.turn();
      const body = await readBody(req, bounds, share);
      const request = readRequest(route, route.rpc.input, { values, target, body }, nameRule);
      applyIdempotencyKey(route.rpc.input, request, headerOf(req, "idempotency-key"));
      const by = { principal, received_ms, share };
      if (route.rpc.methodKind === "server_streaming") {
        await streams.send(exchange, route, request, by);
        return null;
      }
      return await answerUnary(door, exchange, route, { ...by, request, call_ms: bounds.call_ms });
    } finally {
      share.leave();
    }
  }

  async function handle(req: Incoming, res: Outgoing): Promise<void> {
    const received_ms = performance.now();
    const exchange: Exchange = { req, res, request_id: requestId(headerOf(req, "x-request-id")) };
    const found = findIn(router, pages, req);
    let reply: Reply | null;
    let thrown: unknown;
    try {
      reply = await answer(exchange, found, received_ms);
    } catch (error) {
      thrown = error;
      const refusal = error instanceof KillcordError ? refusalOf(error) : null;
      const allow = found.kind === "method_not_allowed" ? { allow: found.allow } : {};
      reply = refusalReply(refusal === null ? null : { ...refusal, ...allow }, exchange.request_id);
    }
    const sent = reply === null ? null : sendReply(exchange, reply, bounds);
    const { request_id } = exchange;
    const latency_ms = latencySince(received_ms);
    logCall(log, { request_id, door: "rest", method: routeName(found), latency_ms }, thrown, countRefusal);
    await sent;
  }

  return { handle, drain: streams.drain, streams: streams.count };
}

async function answerUnary(
  door: Door,
  { res, request_id }: Exchange,
  { rpc, response_body }: Route,
  { request, call_ms, ...by }: By & { readonly request: Message; readonly call_ms: number },
): Promise<Reply> {
  const watch = watchCaller(res, call_ms);
  const reply_headers = new Headers();
  const call: Call = { ...by, request_id, signal: watch.signal, reply_headers };
  try {
    const response = await Promise.race([door.unary(rpc, request, call), watch.given_up]);
    return jsonReply(
      200,
      request_id,
      reply_headers,
      writeReply(response, rpc.output, response_body, reshape),
    );
  } finally {
    watch.end();
  }
}

function findIn(router: Router<Route>, pages: readonly Page[], req: Incoming): Found {
  const { method = "", url: target = "" } = req;
  const page = pages.find(({ path }) => path === cutQuery(target));
  if (page === undefined) {
    return router.match(method, target);
  }
  return method === "GET" ? { kind: "page", page } : { kind: "method_not_allowed", allow: ["GET"] };
}

function unrouted(
  found: Exclude<Found, { kind: "route" | "page" }>,
  method: string,
  target: string,
): KillcordError {
  switch (found.kind) {
    case "invalid_path":
      return new KillcordError(
        "invalid_path",
        "the path holds a malformed percent escape, or bytes that need one",
      );
    case "route_not_found": {
      const path = cutQuery(target).slice(0, limits.issue_name_characters);
      return new KillcordError("route_not_found", `no route for ${method} ${path}`);
    }
    case "method_not_allowed":
      return new KillcordError("method_not_allowed", `${method} is not allowed here`);
  }
}

/** A route as the API's description writes it; null for a path that is the caller's own text. */
function routeName(found: Found): string | null {
  if (found.kind === "page") {
    return `GET ${found.page.path}`;
  }
  return found.kind === "route" ? `${found.route.method} ${found.route.path}` : null;
}

/** null stands for a fault of ours, of which the caller learns nothing but its request id. */
function refusalReply(refusal: Refusal | null, request_id: string): Reply {
  const { status, headers, body } = errorReply(refusal, request_id);
  return jsonReply(status, request_id, headers, body);
}

async function readPage(door: Door, page: Page, { req, request_id }: Exchange): Promise<Reply> {
  if (page.like !== null) {
    door.authenticate((name) => headerOf(req, name), page.like);
  }
  const { content_type, text } = await page.read();
  return { status: 200, headers: headersOf(request_id, content_type), body: text };
}

function jsonReply(
  status: number,
  request_id: string,
  more: Iterable<readonly [string, string]>,
  body: unknown,
): Reply {
  const headers = headersOf(request_id, "application/json; charset=utf-8", more);
  return { status, headers, body: JSON.stringify(body) };
}

function headersOf(
  request_id: string,
  content_type: string,
  more: Iterable<readonly [string, string]> = [],
): ReadonlyMap<string, string> {
  return new Map([
    ...more,
    ["content-type", content_type],
    ["cache-control", "no-store"],
    ["x-request-id", request_id],
  ] as const);
}
