/** Answers a call with an error at once, in the caller's protocol, without reading its body. */
import type { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import * as grpcWeb from "@connectrpc/connect/protocol-grpc-web";
import { rewriteMessage } from "./grpc-message.js";
import type { HttpReply } from "./http.js";
import type { Protocol } from "./protocol.js";

/**
 * Sends `error` as the whole reply. Nothing may have been sent before.
 *
 * @param protocol null when the caller's protocol is none of ours: then it gets plain text
 * @param status the HTTP status where the protocol lets it vary; by default the error code's
 */
export function refuse(
  reply: HttpReply,
  protocol: Protocol | null,
  error: ConnectError,
  status = connect.codeToHttpStatus(error.code),
): void {
  switch (protocol?.kind) {
    case "grpc":
      reply.setHeader("content-type", protocol.json ? grpc.contentTypeJson : grpc.contentTypeProto);
      endWithTrailersOnly(reply, error);
      return;
    case "grpc_web":
      reply.setHeader("content-type", protocol.json ? grpcWeb.contentTypeJson : grpcWeb.contentTypeProto);
      endWithTrailersOnly(reply, error);
      return;
    case "connect_stream": {
      const { contentTypeStreamJson, contentTypeStreamProto } = connect;
      reply.setHeader("content-type", protocol.json ? contentTypeStreamJson : contentTypeStreamProto);
      const end = JSON.stringify(connect.endStreamToJson(new Headers(), error, undefined));
      endWith(reply, 200, encodeEnvelope(connect.endStreamFlag, new TextEncoder().encode(end)));
      return;
    }
    case "connect_unary":
      setHeaders(reply, error.metadata);
      reply.setHeader("content-type", connect.contentTypeUnaryJson);
      endWith(reply, status, connect.errorToJsonBytes(error, undefined));
      return;
    case undefined:
      reply.setHeader("content-type", "text/plain; charset=utf-8");
      endWith(reply, status, new TextEncoder().encode(`${error.rawMessage}\n`));
  }
}

/** Sets what `headers` holds on a reply. */
export function setHeaders(reply: HttpReply, headers: Headers): void {
  headers.forEach((value, name) => {
    reply.setHeader(name, value);
  });
}

/**
 * The status goes into the headers and these are the whole reply: gRPC's "trailers only". They are
 * set and not written, so that on HTTP/2 they leave as one frame that also ends the stream, without
 * which grpc-js does not read them.
 */
function endWithTrailersOnly(reply: HttpReply, error: ConnectError): void {
  reply.statusCode = 200;
  setHeaders(reply, rewriteMessage(grpc.setTrailerStatus(new Headers(), error)));
  reply.end();
}

function endWith(reply: HttpReply, status: number, body: Uint8Array): void {
  reply.statusCode = status;
  reply.setHeader("content-length", body.byteLength);
  reply.end(body);
}
