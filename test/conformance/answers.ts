/** What the conformance suite wants to hear: answers as its requests define them (its service.proto). */
import { setTimeout as delay } from "node:timers/promises";
import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Calls, Mount, Pass } from "../../src/rpc/mount.js";
import type { Fields, Schema } from "./schema.js";

interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

interface ErrorDefinition {
  readonly code: Code;
  readonly message?: string;
  readonly details: readonly Any[];
}

interface UnaryDefinition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  readonly response:
    | { readonly case: "error"; readonly value: ErrorDefinition }
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: undefined };
}

interface StreamDefinition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorDefinition;
}

/** The suite's service, for everybody. */
export function conformanceMount(schema: Schema): Mount {
  const answers = createAnswers(schema);
  const calls: Calls = {
    unary: (method, request, pass, context) =>
      answers.one(method.output.name, definitionOf<UnaryDefinition>(request), [request], pass, context),
    serverStreaming: (method, request, pass, context) =>
      answers.many(method.output.name, definitionOf<StreamDefinition>(request), [request], pass, context),
    async clientStreaming(method, requests, pass, context) {
      const come: Message[] = [];
      for await (const request of requests) {
        come.push(request);
      }
      return answers.one(method.output.name, definitionOf<UnaryDefinition>(come[0]), come, pass, context);
    },
    bidiStreaming: (method, requests, pass, context) =>
      answers.inTurn(method.output.name, requests, pass, context),
  };
  // It has to be missing: that is what is tested.
  const methods = schema.service.methods.filter((method) => method.name !== "Unimplemented");
  return { service: { ...schema.service, methods }, keyed: false, calls };
}

function definitionOf<T>(request: Message | undefined): T | undefined {
  return (request as { readonly responseDefinition?: T } | undefined)?.responseDefinition;
}

function createAnswers(schema: Schema) {
  const about = (requests: readonly Message[], pass: Pass, context: HandlerContext) =>
    schema.make("ConformancePayload.RequestInfo", {
      requestHeaders: Array.from(context.requestHeader, ([name, value]) => header(schema, name, value)),
      requests: requests.map(schema.pack),
      ...(pass.timeout_ms === null ? {} : { timeoutMs: BigInt(Math.floor(pass.timeout_ms)) }),
      ...(context.requestMethod === "GET" ? { connectGetInfo: queryOf(schema, context.url) } : {}),
    });
  const message = (name: string, payload: Readonly<Record<string, unknown>>): Message =>
    schema.make(name, { payload: schema.make("ConformancePayload", payload) });

  /** One answer, or the error that is wanted instead of it. */
  async function one(
    name: string,
    definition: UnaryDefinition | undefined,
    requests: readonly Message[],
    pass: Pass,
    context: HandlerContext,
  ): Promise<Message> {
    setHeaders(definition, context);
    await delay(definition?.responseDelayMs ?? 0);
    const requestInfo = about(requests, pass, context);
    if (definition?.response.case === "error") {
      throw errorOf(definition.response.value, [schema.pack(requestInfo)]);
    }
    const { response } = definition ?? {};
    return message(name, { ...(response?.case ? { data: response.value } : {}), requestInfo });
  }

  /** What is left to answer; the first answer of all, and an error without any, tell what was asked. */
  async function* many(
    name: string,
    definition: StreamDefinition | undefined,
    requests: readonly Message[],
    pass: Pass,
    context: HandlerContext,
    given = 0,
  ): AsyncGenerator<Message> {
    setHeaders(definition, context);
    const data = definition?.responseData ?? [];
    for (let i = given; i < data.length; i += 1) {
      await delay(definition?.responseDelayMs ?? 0);
      const requestInfo = i === 0 ? { requestInfo: about(requests, pass, context) } : {};
      yield message(name, { data: data[i], ...requestInfo });
    }
    if (definition?.error !== undefined) {
      const untold = data.length === 0 ? [schema.pack(about(requests, pass, context))] : [];
      throw errorOf(definition.error, untold);
    }
  }

  /** Full duplex: an answer for each request, as long as there are some. Half duplex: all at the end. */
  async function* inTurn(
    name: string,
    requests: AsyncIterable<Message>,
    pass: Pass,
    context: HandlerContext,
  ): AsyncGenerator<Message> {
    let first: Message | null = null;
    let come: Message[] = [];
    let given = 0;
    for await (const request of requests) {
      first ??= request;
      come.push(request);
      if ((first as Fields).fullDuplex !== true) {
        continue;
      }
      const definition = definitionOf<StreamDefinition>(first);
      setHeaders(definition, context);
      const data = definition?.responseData[given];
      if (data === undefined) {
        break;
      }
      await delay(definition?.responseDelayMs ?? 0);
      const told = given === 0 ? about(come, pass, context) : { requests: come.map(schema.pack) };
      yield message(name, { data, requestInfo: told });
      given += 1;
      come = [];
    }
    const definition = definitionOf<StreamDefinition>(first ?? undefined);
    yield* many(name, definition, come, pass, context, given);
  }

  return { one, many, inTurn };
}

function header(schema: Schema, name: string, value: string): Fields {
  return schema.make("Header", { name, value: value.split(", ") });
}

function queryOf(schema: Schema, url: string): Fields {
  const query = Array.from(new URL(url).searchParams, ([name, value]) =>
    schema.make("Header", { name, value: [value] }),
  );
  return schema.make("ConformancePayload.ConnectGetInfo", { queryParams: query });
}

function setHeaders(
  definition: Pick<UnaryDefinition, "responseHeaders" | "responseTrailers"> | undefined,
  context: HandlerContext,
): void {
  const write = (headers: Headers, wanted: readonly Header[]) => {
    for (const { name, value } of wanted) {
      headers.delete(name);
      for (const each of value) {
        headers.append(name, each);
      }
    }
  };
  write(context.responseHeader, definition?.responseHeaders ?? []);
  write(context.responseTrailer, definition?.responseTrailers ?? []);
}

function errorOf(wanted: ErrorDefinition, more: readonly Any[]): ConnectError {
  const error = new ConnectError(wanted.message ?? "", wanted.code);
  error.details = [...wanted.details, ...more].map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return error;
}
