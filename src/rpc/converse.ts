/**
 * The short way of a bidi call: gRPC and Connect, messages that are not compressed. Everything else
 * takes the way of the protocol library, which costs several times as much for each message; both
 * must give the same answers (test/rpc/duplex.test.ts).
 */
import {
  type DescMethod,
  fromBinary,
  fromJsonString,
  isMessage,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import { InterceptStreamResponseSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import { KillcordError } from "../services/errors.js";
import { envelope_bytes } from "./body.js";
import { toConnectError, toRefusal } from "./error.js";
import { rewriteMessage } from "./grpc-message.js";
import { type HttpReply, type HttpRequest, headerOf } from "./http.js";
import type { Life } from "./life.js";
import { type MessageBounds, readMessages } from "./messages.js";
import { json_options } from "./methods.js";
import type { Duplex, Pass } from "./mount.js";
import { Outgoing } from "./outgoing.js";
import type { Protocol } from "./protocol.js";
import { setHeaders } from "./refuse.js";
import { breakOff, endInTime, writable } from "./send.js";
import { verdictEnvelope } from "./verdict-bytes.js";

/** A call that can go this way. */
export interface Conversation {
  readonly request: HttpRequest;
  readonly reply: HttpReply;
  readonly protocol: Protocol;
  readonly method: DescMethod;
  readonly duplex: Duplex;
}

/** Whether a request can go this way. */
export function isPlain(request: HttpRequest, { kind }: Protocol): boolean {
  const header =
    kind === "grpc" ? "grpc-encoding" : kind === "connect_stream" ? "connect-content-encoding" : null;
  return header !== null && (headerOf(request, header) ?? "identity") === "identity";
}

/**
 * Holds the conversation; resolves to what the service threw, once that is told and the reply has left.
 *
 * @throws what the service threw before it said anything; what broke the reply off
 */
export async function converse(
  conversation: Conversation,
  pass: Pass,
  bounds: MessageBounds & { readonly blocked_reader_ms: number },
): Promise<unknown> {
  const { request, reply, method, duplex } = conversation;
  const { life, call } = pass;
  const outgoing = new Outgoing(reply, life, bounds.blocked_reader_ms);
  const encode = encoder(conversation.method, conversation.protocol);
  const messages = readMessages(request, bounds, life.ended, pass.share);
  const requests = decoded(messages, conversation, pass.message_bytes_max);
  try {
    await pump(duplex(method, requests, call)[Symbol.asyncIterator](), life, (message) => {
      begin(conversation, call.reply_headers);
      return outgoing.push(encode(message));
    });
  } catch (error) {
    pass.thrown = error;
  }
  if (life.gone.aborted) {
    breakOff(reply, life.gone.reason);
    throw life.gone.reason;
  }
  if (pass.thrown !== undefined && !reply.headersSent) {
    throw pass.thrown;
  }
  begin(conversation, call.reply_headers);
  outgoing.flush();
  life.finish();
  end(conversation, pass.thrown === undefined ? undefined : toConnectError(pass.thrown));
  endInTime(reply, bounds.blocked_reader_ms);
  await life.closed;
  return pass.thrown;
}

/**
 * Hands over what `source` says until that ends or the life does. One listener for the whole call, and no
 * race for each message; leaving calls the source's `return()` and never waits for it.
 */
function pump(
  source: AsyncIterator<Message>,
  life: Life,
  take: (message: Message) => Promise<void> | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const leave = (): boolean => {
      const first = !over;
      over = true;
      life.ended.removeEventListener("abort", abort);
      return first;
    };
    const fail = (error: unknown) => {
      if (leave()) {
        source.return?.()?.catch(() => {});
        reject(error);
      }
    };
    const abort = () => fail(life.ended.reason);
    const ask = () => source.next().then(step, fail);
    const step = (result: IteratorResult<Message>) => {
      if (over) {
        return;
      }
      if (result.done === true) {
        leave();
        // While the server drains, the end is not one as if all had been said.
        const why = life.signal.aborted ? life.signal.reason : life.leaving;
        (why === null ? resolve : reject)(why);
        return;
      }
      try {
        const space = take(result.value);
        if (space === null) {
          ask();
        } else {
          space.then(ask, fail);
        }
      } catch (error) {
        fail(error);
      }
    };
    life.ended.addEventListener("abort", abort);
    if (life.ended.aborted) {
      abort();
    } else {
      ask();
    }
  });
}

/** The messages of a request; one that cannot be read is the refusal of it. */
function decoded(
  messages: AsyncIterable<Uint8Array>,
  { method, protocol }: Conversation,
  message_bytes_max: number,
): AsyncIterable<Message | KillcordError> {
  const iterator = messages[Symbol.asyncIterator]();
  const read = (bytes: Uint8Array): Message | KillcordError => {
    const body = bytes.subarray(envelope_bytes);
    if (bytes.byteLength < envelope_bytes || bytes[0] !== 0) {
      throw unframed;
    }
    try {
      return protocol.json
        ? fromJsonString(method.input, json_options.textDecoder.decode(body), json_options)
        : fromBinary(method.input, body);
    } catch (error) {
      const found = new ConnectError((error as Error).message, Code.InvalidArgument);
      const { cause } = toRefusal(found, method.input, protocol.json, message_bytes_max);
      return cause as KillcordError;
    }
  };
  const next = async (): Promise<IteratorResult<Message | KillcordError>> => {
    const step = await iterator.next();
    return step.done === true ? step : { done: false, value: read(step.value) };
  };
  const leave = async (): Promise<IteratorResult<Message | KillcordError>> => {
    iterator.return?.()?.catch(() => {});
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
}

const unframed = new KillcordError(
  "invalid_argument",
  "the body is not framed as the protocol asks: use a generated client or check the frames",
);

function encoder(method: DescMethod, { json }: Protocol): (message: Message) => Uint8Array {
  const text = new TextEncoder();
  return json
    ? (message) => encodeEnvelope(0, text.encode(toJsonString(method.output, message)))
    : (message) =>
        (isMessage(message, InterceptStreamResponseSchema) ? verdictEnvelope(message) : null) ??
        encodeEnvelope(0, toBinary(method.output, message));
}

function begin({ reply, protocol }: Conversation, headers: Headers): void {
  if (!reply.headersSent) {
    setHeaders(reply, headers);
    reply.setHeader("content-type", contentType(protocol));
    writable(reply).writeHead(200);
  }
}

function contentType({ kind, json }: Protocol): string {
  if (kind === "grpc") {
    return json ? grpc.contentTypeJson : grpc.contentTypeProto;
  }
  return json ? connect.contentTypeStreamJson : connect.contentTypeStreamProto;
}

function end({ reply, protocol }: Conversation, error: ConnectError | undefined): void {
  if (protocol.kind === "grpc") {
    const trailers = rewriteMessage(grpc.setTrailerStatus(new Headers(), error));
    reply.addTrailers(Object.fromEntries(trailers));
    writable(reply).end();
    return;
  }
  const last = JSON.stringify(connect.endStreamToJson(new Headers(), error, undefined));
  writable(reply).end(encodeEnvelope(connect.endStreamFlag, new TextEncoder().encode(last)));
}
