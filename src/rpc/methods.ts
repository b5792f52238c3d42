/** The methods that are served: from a path to what a call of it runs. */
import type { DescMethod, DescMethodBiDiStreaming, Message, Registry } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { arriving } from "./arriving.js";
import { toConnectError } from "./error.js";
import { follow, within } from "./follow.js";
import type { Duplex, Mount, Pass } from "./mount.js";

/** A method with its path and what handles it in every protocol. */
export interface Endpoint {
  readonly method: DescMethod;
  /** Whether a key is needed. */
  readonly keyed: boolean;
  readonly handler: UniversalHandler;
  /** Of one message of its caller, also after its inflation. */
  readonly message_bytes_max: number;
  /** A bidi method that needs nothing of the protocol library. */
  readonly duplex: Duplex | null;
}

const passKey = createContextKey<Pass | null>(null);

/** Hands `pass` to the handler of an endpoint. */
export function carrying(pass: Pass): ContextValues {
  return createContextValues().set(passKey, pass);
}

/**
 * Every method of the mounts, by path.
 *
 * @param message_bytes_max of one message, also after its inflation
 * @param registry the messages that travel in google.protobuf.Any, for JSON
 */
export function createEndpoints(
  mounts: readonly Mount[],
  message_bytes_max: number,
  registry: Registry | null,
): ReadonlyMap<string, Endpoint> {
  const router = createConnectRouter({
    connect: true,
    grpc: true,
    grpcWeb: true,
    readMaxBytes: message_bytes_max,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: { ...json_options, ...(registry === null ? {} : { registry }) },
  });
  const free = new Set<DescMethod>();
  const sizes = new Map<DescMethod, number>();
  const duplexes = new Map<DescMethod, Duplex>();
  for (const mount of mounts) {
    for (const method of mount.service.methods) {
      const size = Math.min(mount.message_bytes_max ?? message_bytes_max, message_bytes_max);
      serve(router, mount, method, { readMaxBytes: size });
      sizes.set(method, size);
      if (!mount.keyed) {
        free.add(method);
      }
      if (method.methodKind === "bidi_streaming" && mount.duplex !== undefined) {
        duplexes.set(method, mount.duplex);
      }
    }
  }
  return new Map(
    router.handlers.map((handler) => {
      const { method, requestPath } = handler;
      return [
        requestPath,
        {
          method,
          handler,
          keyed: !free.has(method),
          message_bytes_max: sizes.get(method) ?? message_bytes_max,
          duplex: duplexes.get(method) ?? null,
        },
      ];
    }),
  );
}

// A mistyped field would be ignored, and a mistyped limit be no limit: so unknown ones are refused.
// Bytes that are no UTF-8 are refused too, and not replaced by a sign that nobody sent.
export const json_options = {
  ignoreUnknownFields: false,
  textDecoder: new TextDecoder("utf-8", { fatal: true }),
};

function serve(
  router: ConnectRouter,
  { calls }: Mount,
  method: DescMethod,
  options: { readonly readMaxBytes: number },
): void {
  switch (method.methodKind) {
    case "unary": {
      const run = had(calls.unary, method);
      router.rpc(
        method as DescMethod & { methodKind: "unary" },
        (request, context) => answer(context, (pass) => run(method, request, pass, context)),
        options,
      );
      return;
    }
    case "server_streaming": {
      const run = had(calls.serverStreaming, method);
      router.rpc(
        method as DescMethod & { methodKind: "server_streaming" },
        (request, context) => stream(context, (pass) => run(method, request, pass, context)),
        options,
      );
      return;
    }
    case "client_streaming": {
      const run = had(calls.clientStreaming, method);
      router.rpc(
        method as DescMethod & { methodKind: "client_streaming" },
        (requests, context) =>
          answer(context, (pass) => run(method, arriving(requests, method, pass), pass, context)),
        options,
      );
      return;
    }
    case "bidi_streaming": {
      const run = had(calls.bidiStreaming, method);
      router.rpc(
        method as DescMethodBiDiStreaming,
        (requests, context) =>
          stream(context, (pass) => run(method, arriving(requests, method, pass), pass, context)),
        options,
      );
      return;
    }
  }
}

function had<T>(call: T | undefined, method: DescMethod): T {
  if (call === undefined) {
    throw new Error(`${method.parent.typeName}.${method.name}: its service has no call of this kind`);
  }
  return call;
}

/** Runs a call with one answer, at most until its life ends. */
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

/** Runs a call with a stream of answers, at most until its life ends. */
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
  return pass.tell(toConnectError(error));
}

function copyHeaders(pass: Pass, context: HandlerContext): void {
  pass.call.reply_headers.forEach((value, name) => {
    context.responseHeader.set(name, value);
  });
}
