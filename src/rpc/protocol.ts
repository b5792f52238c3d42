/** Which protocol a request speaks, told from its headers and its query alone. */
import type { DescMethod } from "@bufbuild/protobuf";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import * as grpcWeb from "@connectrpc/connect/protocol-grpc-web";
import { KillcordError } from "../services/errors.js";
import { type HttpRequest, headerOf, targetOf } from "./http.js";

/** A protocol, and whether its messages are JSON. */
export interface Protocol {
  readonly kind: "connect_unary" | "connect_stream" | "grpc" | "grpc_web";
  readonly json: boolean;
}

/**
 * The protocol of a call of `method`; null when the request speaks none that fits the method.
 *
 * @param method null when it is not known; then any fits
 */
export function protocolOf(request: HttpRequest, method: DescMethod | null): Protocol | null {
  if (request.method === "GET") {
    const encoding = new URLSearchParams(targetOf(request).query).get("encoding");
    return encoding === "json" || encoding === "proto"
      ? { kind: "connect_unary", json: encoding === "json" }
      : null;
  }
  const content_type = headerOf(request, "content-type");
  const in_connect = connect.parseContentType(content_type);
  if (in_connect !== undefined) {
    const fits = method === null || in_connect.stream === (method.methodKind !== "unary");
    const kind = in_connect.stream ? "connect_stream" : "connect_unary";
    return fits ? { kind, json: !in_connect.binary } : null;
  }
  const in_grpc = grpc.parseContentType(content_type);
  if (in_grpc !== undefined) {
    return { kind: "grpc", json: !in_grpc.binary };
  }
  const in_web = grpcWeb.parseContentType(content_type);
  return in_web === undefined || in_web.text ? null : { kind: "grpc_web", json: !in_web.binary };
}

/**
 * The time that the caller gives, in milliseconds; null when it gives none or waits for ever.
 *
 * @throws {KillcordError} invalid_argument
 */
export function timeoutOf(request: HttpRequest, protocol: Protocol): number | null {
  const name = protocol.kind.startsWith("connect") ? timeout_headers.connect : timeout_headers.grpc;
  const parse = protocol.kind.startsWith("connect") ? connect.parseTimeout : grpc.parseTimeout;
  const { timeoutMs: timeout_ms, error } = parse(headerOf(request, name), Number.MAX_SAFE_INTEGER);
  if (error !== undefined) {
    throw new KillcordError(
      "invalid_argument",
      `${error.rawMessage}: leave it out or send it as the protocol says`,
    );
  }
  // A timer of Node overflows above this and would fire at once: such a time is as good as none.
  return timeout_ms === undefined || timeout_ms >= 2 ** 31 ? null : timeout_ms;
}

/** The headers that carry a call's time, by their lower-case names. */
export const timeout_headers = {
  connect: connect.headerTimeout.toLowerCase(),
  grpc: grpc.headerTimeout.toLowerCase(),
} as const;
