/** The trailer grpc-message, written so that every client reads it. */
import * as grpc from "@connectrpc/connect/protocol-grpc";

/**
 * Rewrites the message in a call's trailers. The library escapes all that a URL's component escapes;
 * the protocol only what is no printable ASCII, and the percent sign. grpc-js undoes only the
 * latter and would show `stop%3A connect%2C then` to people.
 */
export function rewriteMessage(trailers: Headers): Headers {
  const escaped = trailers.get(grpc.headerGrpcMessage);
  if (escaped !== null) {
    const bytes = new TextEncoder().encode(decodeURIComponent(escaped));
    trailers.set(grpc.headerGrpcMessage, Array.from(bytes, escapedByte).join(""));
  }
  return trailers;
}

function escapedByte(byte: number): string {
  const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
  return plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
