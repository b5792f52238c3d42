/** Lets pages of named origins call this server from a browser (the fetch standard's CORS protocol). */
import { type HttpReply, type HttpRequest, headerOf } from "./http.js";

/** What a page may send beside what every page may. */
const request_headers = [
  "authorization",
  "connect-accept-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "idempotency-key",
  "last-event-id",
  "x-api-key",
  "x-grpc-web",
  "x-request-id",
  "x-user-agent",
  "x-xybern-api-key",
].join(", ");

/** What a page may read beside what every page may. */
const reply_headers = [
  "connect-content-encoding",
  "content-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "idempotency-replayed",
  "retry-after",
  "x-request-id",
].join(", ");

const methods = "GET, POST, PUT, PATCH, DELETE";

/** How long a browser may remember a preflight: two hours, the most that any of them takes. */
const preflight_seconds = 7200;

/**
 * Marks the reply for the caller's browser. Cookies and other credentials of the browser are never
 * allowed: a page has to bring a key.
 *
 * @param origins exact, as a browser sends them; with none, nothing is ever set
 * @returns whether this was a preflight, which is answered
 */
export function answerCors(request: HttpRequest, reply: HttpReply, origins: ReadonlySet<string>): boolean {
  if (origins.size === 0) {
    return false;
  }
  // Whatever the answer is, it differs by origin: no cache may give it to another.
  reply.setHeader("vary", "Origin");
  const origin = headerOf(request, "origin");
  if (origin === null || !origins.has(origin)) {
    return false;
  }
  reply.setHeader("access-control-allow-origin", origin);
  if (request.method !== "OPTIONS" || headerOf(request, "access-control-request-method") === null) {
    reply.setHeader("access-control-expose-headers", reply_headers);
    return false;
  }
  reply.setHeader("access-control-allow-methods", methods);
  reply.setHeader("access-control-allow-headers", request_headers);
  reply.setHeader("access-control-max-age", preflight_seconds);
  reply.statusCode = 204;
  reply.end();
  return true;
}
