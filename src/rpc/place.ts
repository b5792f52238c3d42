/** Finds what a request asks for, or says why it can't be a call. */
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { KillcordError } from "../services/errors.js";
import { toConnectError, unknownMethod } from "./error.js";
import { type HttpRequest, headerOf, targetOf } from "./http.js";
import type { Endpoint } from "./methods.js";
import { type Protocol, protocolOf } from "./protocol.js";

/** A request that is a call of `endpoint`. */
export interface Placed {
  readonly endpoint: Endpoint;
  readonly protocol: Protocol;
}

/** A request that is none, with the HTTP status that says so where the protocol has no other way. */
export interface Misplaced {
  readonly endpoint: null;
  readonly protocol: Protocol | null;
  readonly error: ConnectError;
  readonly status: number;
  /** The methods of HTTP that are allowed, if that is what is wrong. */
  readonly allow: string | null;
}

/** Places a request by its path, its HTTP method and its content type. */
export function place(request: HttpRequest, endpoints: ReadonlyMap<string, Endpoint>): Placed | Misplaced {
  const { path } = targetOf(request);
  const endpoint = endpoints.get(path);
  if (endpoint === undefined) {
    const protocol = protocolOf(request, null);
    return { endpoint: null, protocol, error: unknownMethod(path), status: 404, allow: null };
  }
  const allow = allowedMethods(endpoint);
  if (!allow.includes(request.method ?? "")) {
    const text = `this method is called by ${allow.join(" or ")}, not by ${request.method}`;
    const error = toConnectError(new KillcordError("method_not_allowed", text));
    return { endpoint: null, protocol: null, error, status: 405, allow: allow.join(", ") };
  }
  if (endpoint.method.methodKind === "bidi_streaming" && request.httpVersionMajor < 2) {
    const text = "a bidirectional stream needs HTTP/2: HTTP/1.1 has no answers beside a request under way";
    const error = toConnectError(new KillcordError("http2_required", text));
    return { endpoint: null, protocol: null, error, status: 505, allow: null };
  }
  const protocol = protocolOf(request, endpoint.method);
  if (protocol === null) {
    const error = toConnectError(unfit(request, endpoint));
    return { endpoint: null, protocol: null, error, status: 415, allow: null };
  }
  return { endpoint, protocol };
}

function allowedMethods({ method }: Endpoint): readonly string[] {
  const readable =
    method.methodKind === "unary" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return readable ? ["POST", "GET"] : ["POST"];
}

function unfit(request: HttpRequest, { method }: Endpoint): KillcordError {
  const connect = method.methodKind === "unary" ? "application/json" : "application/connect+json";
  const what =
    request.method === "GET"
      ? "the query parameter encoding is neither json nor proto"
      : `content type ${(headerOf(request, "content-type") ?? "(none)").slice(0, 100)} does not fit this method`;
  const text = `${what}: send ${connect} (Connect), application/grpc or application/grpc-web`;
  return new KillcordError("unsupported_encoding", text);
}
