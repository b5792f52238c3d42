/** The methods that are served: from a path to what a call of it runs. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { type HealthCheckRequest, Health as HealthService } from "../../gen/grpc/health/v1/health_pb.js";
import type { Call, Door } from "../services/door.js";
import { toConnectError, toRefusal } from "./error.js";
import { follow, within } from "./follow.js";
import type { Health } from "./health.js";
import type { Life } from "./life.js";

/** One call under way, from the authentication to its service. */
export interface Pass {
  /** What the service gets to know. */
  readonly call: Call;
  readonly life: Life;
  /** Whether its messages are JSON. */
  readonly json: boolean;
  /** Told when the service is reached; errors before that are the protocol library's. */
  reached: boolean;
  /** What the service threw, for the log. */
  thrown: unknown;
}

/** A method with its path and what handles it in every protocol. */
export interface Endpoint {
  readonly method: DescMethod;
  /** Whether a key is needed. */
  readonly keyed: boolean;
  readonly handler: UniversalHandler;
}

const passKey = createContextKey<Pass | null>(null);

/** Hands `pass` to the handler of an endpoint. */
export function carrying(pass: Pass): ContextValues {
  return createContextValues().set(passKey, pass);
}

/**
 * Every method of the door, and health, by path.
 *
 * @param message_bytes_max of one message, inflated
 */
export function createEndpoints(
  door: Door,
  health: Health,
  message_bytes_max: number,
): ReadonlyMap<string, Endpoint> {
  const router = createConnectRouter({
    connect: true,
    grpc: true,
    grpcWeb: true,
    readMaxBytes: message_bytes_max,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions,
  });
  for (const service of door.services) {
    for (const method of service.methods) {
      serve(router, door, method);
    }
  }
  serveHealth(router, health);
  return new Map(
    router.handlers.map((handler) => {
      const { method, requestPath } = handler;
      return [requestPath, { method, handler, keyed: method.parent !== HealthService }];
    }),
  );
}

// A mistyped field would be ignored, and a mistyped limit be no limit: so unknown ones are refused.
// Bytes that are no UTF-8 are refused too, and not replaced by a sign that nobody sent.
const jsonOptions = { ignoreUnknownFields: false, textDecoder: new TextDecoder("utf-8", { fatal: true }) };

function serve(router: ConnectRouter, door: Door, method: DescMethod): void {
  switch (method.methodKind) {
    case "unary":
      router.rpc(method as DescMethod & { methodKind: "unary" }, (request, context) =>
        answer(context, (pass) => door.unary(method, request, pass.call)),
      );
      return;
    case "server_streaming":
      router.rpc(method as DescMethod & { methodKind: "server_streaming" }, (request, context) =>
        stream(context, (pass) => door.stream(method, request, pass.call)),
      );
      return;
    case "client_streaming":
      router.rpc(method as DescMethod & { methodKind: "client_streaming" }, (requests, context) =>
        answer(context, (pass) => only(duplex(door, method, requests, pass))),
      );
      return;
    case "bidi_streaming":
      router.rpc(method as DescMethod & { methodKind: "bidi_streaming" }, (requests, context) =>
        stream(context, (pass) => duplex(door, method, requests, pass)),
      );
      return;
  }
}

function duplex(
  door: Door,
  method: DescMethod,
  requests: AsyncIterable<Message>,
  pass: Pass,
): AsyncIterable<Message> {
  return door.duplex(method, readable(requests, method, pass.json), pass.call);
}

/** The messages of a request; what the protocol library finds wrong with one is told with our codes. */
async function* readable(
  requests: AsyncIterable<Message>,
  method: DescMethod,
  json: boolean,
): AsyncGenerator<Message> {
  try {
    yield* requests;
  } catch (error) {
    throw error instanceof ConnectError ? toRefusal(error, method.input, json) : error;
  }
}

async function only(replies: AsyncIterable<Message>): Promise<Message> {
  for await (const reply of replies) {
    return reply;
  }
  throw new Error("a client-streaming method gave no answer");
}

function serveHealth(router: ConnectRouter, health: Health): void {
  const { check, watch } = HealthService.method;
  router.rpc(check, (request: HealthCheckRequest, context) =>
    answer(context, async () => health.check(request.service)),
  );
  router.rpc(watch, (request: HealthCheckRequest, context) =>
    stream(context, (pass) => health.watch(request.service, pass.call.signal)),
  );
}

/** Runs a unary call, at most until its life ends. */
async function answer<T extends Message>(
  context: HandlerContext,
  run: (pass: Pass) => Promise<T>,
): Promise<T> {
  const pass = reach(context);
  try {
    return await within(run(pass), pass.life.ended);
  } catch (error) {
    throw thrown(pass, error);
  } finally {
    copyHeaders(pass, context);
  }
}

/** Runs a streaming call, at most until its life ends. */
async function* stream<T extends Message>(
  context: HandlerContext,
  run: (pass: Pass) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const pass = reach(context);
  try {
    for await (const message of follow(run(pass), pass.life)) {
      copyHeaders(pass, context);
      yield message;
    }
  } catch (error) {
    throw thrown(pass, error);
  } finally {
    copyHeaders(pass, context);
  }
}

function reach(context: HandlerContext): Pass {
  const pass = context.values.get(passKey);
  if (pass === null) {
    throw new Error("a method was called past the authentication");
  }
  pass.reached = true;
  return pass;
}

function thrown(pass: Pass, error: unknown): unknown {
  pass.thrown = error;
  return error instanceof ConnectError ? error : toConnectError(error);
}

function copyHeaders(pass: Pass, context: HandlerContext): void {
  pass.call.reply_headers.forEach((value, name) => {
    context.responseHeader.set(name, value);
  });
}
