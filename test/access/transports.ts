/** Four ways to call any method of the API, told apart by nothing but what a caller can see. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  getOption,
  hasOption,
  type JsonObject,
  type MessageInitShape,
  toJson,
  toJsonString,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import type { ClientReadableStream } from "@grpc/grpc-js";
import { http } from "../../gen/google/api/annotations_pb.js";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";

/** How a call ended: with a code of docs/errors.md, or with a reply, as text. */
export interface Outcome {
  readonly code: string | null;
  readonly text: string;
}

/** Calls a method; a stream is left after its first message. Null where this way does not lead to it. */
export type Caller = (method: DescMethod, init: object, key: string | null) => Promise<Outcome> | null;

/** Every transport by its name, to a server at `url`; `close` ends what they keep open. */
export function openTransports(url: string): {
  readonly callers: ReadonlyMap<string, Caller>;
  close(): void;
} {
  const clients = new Map<string | null, GrpcClient>();
  const grpc: Caller = (method, init, key) => {
    let client = clients.get(key);
    if (client === undefined) {
      client = openGrpcClient(url.slice("http://".length), key === null ? {} : { "x-api-key": key });
      clients.set(key, client);
    }
    return callGrpc(client, method, init);
  };
  const connect = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  const grpc_web = createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" });
  const both_ways = {
    connect: createConnectTransport({ baseUrl: url, httpVersion: "2" }),
    grpc_web: createGrpcWebTransport({ baseUrl: url, httpVersion: "2" }),
  };
  const isBidi = (method: DescMethod) => method.methodKind === "bidi_streaming";
  return {
    callers: new Map<string, Caller>([
      ["gRPC", grpc],
      [
        "gRPC-Web",
        (method, init, key) => callConnect(isBidi(method) ? both_ways.grpc_web : grpc_web, method, init, key),
      ],
      [
        "Connect",
        (method, init, key) => callConnect(isBidi(method) ? both_ways.connect : connect, method, init, key),
      ],
      ["REST", (method, init, key) => callRest(url, method, init, key)],
    ]),
    close() {
      for (const client of clients.values()) {
        client.close();
      }
    },
  };
}

async function callGrpc(client: GrpcClient, method: DescMethod, init: object): Promise<Outcome> {
  if (method.methodKind === "unary") {
    const { message, status } = await client.unary(method as DescMethodUnary, init as never);
    return status.code === 0
      ? { code: null, text: textOf(method.output, message) }
      : { code: errorInfo(status.metadata)?.reason ?? `gRPC ${status.code}`, text: status.details };
  }
  const stream = opened(client, method, init);
  return new Promise((resolve) => {
    stream.on("error", () => {});
    stream.on("data", (message) => {
      resolve({ code: null, text: textOf(method.output, message) });
      stream.cancel();
    });
    stream.on("status", ({ code, details, metadata }) =>
      resolve({ code: errorInfo(metadata)?.reason ?? `gRPC ${code}`, text: details }),
    );
  });
}

function opened(client: GrpcClient, method: DescMethod, init: object): ClientReadableStream<unknown> {
  if (method.methodKind !== "bidi_streaming") {
    return client.stream(method as DescMethodServerStreaming, init as never);
  }
  const stream = client.duplex(method as DescMethodBiDiStreaming);
  stream.write(create(method.input, init as never) as never);
  return stream;
}

async function callConnect(
  transport: Transport,
  method: DescMethod,
  init: object,
  key: string | null,
): Promise<Outcome> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const request = init as MessageInitShape<DescMessage>;
  try {
    if (method.methodKind === "unary") {
      const unary = method as DescMethodUnary;
      const { message } = await transport.unary(unary, undefined, undefined, headers, request);
      return { code: null, text: textOf(method.output, message) };
    }
    const leave = new AbortController();
    const { message } = await transport.stream(
      method as DescMethodServerStreaming,
      leave.signal,
      undefined,
      headers,
      only(request),
    );
    for await (const first of message) {
      leave.abort();
      return { code: null, text: textOf(method.output, first) };
    }
    return { code: "no message", text: "" };
  } catch (error) {
    const found = ConnectError.from(error);
    const reason = found.findDetails(ErrorInfoSchema)[0]?.reason;
    return { code: reason ?? `Connect ${found.code}`, text: found.rawMessage };
  }
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}

/** A route of the REST surface as one request asks for it, or null for a method without one. */
export function routeOf(
  method: DescMethod,
  init: object,
): { readonly verb: string; readonly path: string; readonly body: string | null } | null {
  const pattern = hasOption(method, http) ? getOption(method, http).pattern : undefined;
  if (pattern?.case === undefined || pattern.case === "custom") {
    return null;
  }
  const request = create(method.input, init as never);
  const rest = toJson(method.input, request, { useProtoFieldName: true }) as JsonObject;
  const path = pattern.value.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(rest[name] ?? "none"));
    delete rest[name];
    return value;
  });
  if (pattern.case === "post" || pattern.case === "put") {
    return { verb: pattern.case.toUpperCase(), path, body: JSON.stringify(rest) };
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    query.append(name, String(value));
  }
  return { verb: pattern.case.toUpperCase(), path: `${path}?${query}`, body: null };
}

function callRest(
  url: string,
  method: DescMethod,
  init: object,
  key: string | null,
): Promise<Outcome> | null {
  const route = routeOf(method, init);
  return route === null ? null : askRest(url, route, key);
}

async function askRest(
  url: string,
  { verb, path, body }: NonNullable<ReturnType<typeof routeOf>>,
  key: string | null,
): Promise<Outcome> {
  const leave = new AbortController();
  const reply = await fetch(url + path, {
    method: verb,
    headers: key === null ? {} : { "x-api-key": key },
    signal: leave.signal,
    ...(body === null ? {} : { body }),
  });
  if (reply.ok && reply.headers.get("content-type")?.startsWith("text/event-stream") === true) {
    const text = await firstEvent(reply);
    leave.abort();
    return { code: null, text };
  }
  const text = await reply.text();
  const { error } = JSON.parse(text) as { readonly error?: { readonly code: string } };
  return { code: reply.ok ? null : (error?.code ?? `HTTP ${reply.status}`), text };
}

async function firstEvent(reply: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of reply.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n\n")) {
      break;
    }
  }
  return text;
}

function textOf(schema: DescMessage, message: unknown): string {
  return message === null ? "" : toJsonString(schema, message as never);
}
