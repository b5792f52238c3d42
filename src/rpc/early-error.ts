/**
 * Reads the error out of a reply that the protocol library made before it reached a service, so
 * that it can be told with our codes (error.ts, toRefusal).
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import * as grpcWeb from "@connectrpc/connect/protocol-grpc-web";
import type { Protocol } from "./protocol.js";

/** The error that `answer` holds; an invalid argument when it holds none that can be read. */
export async function earlyError(answer: UniversalServerResponse, protocol: Protocol): Promise<ConnectError> {
  const unreadable = new ConnectError("", Code.InvalidArgument);
  try {
    const body = await wholeBody(answer);
    return errorIn(answer, protocol, body, unreadable) ?? unreadable;
  } catch {
    return unreadable;
  }
}

function errorIn(
  answer: UniversalServerResponse,
  protocol: Protocol,
  body: Uint8Array,
  fallback: ConnectError,
): ConnectError | undefined {
  // After the flag and the length of an envelope.
  const enveloped = body.subarray(5);
  switch (protocol.kind) {
    case "connect_unary":
      return connect.errorFromJsonBytes(body, answer.header, fallback);
    case "connect_stream":
      return connect.endStreamFromJson(enveloped).error;
    case "grpc":
      return grpc.findTrailerError(answer.trailer ?? new Headers());
    case "grpc_web":
      return grpc.findTrailerError(grpcWeb.trailerParse(enveloped));
  }
}

async function wholeBody(answer: UniversalServerResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
