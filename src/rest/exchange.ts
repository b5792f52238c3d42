/** One HTTP exchange, over HTTP/1.1 or HTTP/2: what is read of the request and how the reply leaves. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request of node:http, or of the compatibility layer of node:http2. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** A response of either. */
export type Outgoing = ServerResponse | Http2ServerResponse;

/** A request with its response. */
export interface Exchange {
  readonly req: Incoming;
  readonly res: Outgoing;
  readonly request_id: string;
}

/** What leaves. */
export interface Reply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** JSON text, or the bytes of a file. */
  readonly body: string | Uint8Array;
}

/** What becomes of a body that was refused. */
export interface RefusedBodyBounds {
  readonly refused_body_bytes: number;
  readonly linger_ms: number;
}

/** A request header by its lower-case name; null when there is none. */
export function headerOf(req: Incoming, name: string): string | null {
  // node:http drops a second Authorization without a word; its distinct list still has both.
  const value = "headersDistinct" in req ? req.headersDistinct[name] : req.headers[name];
  return value === undefined ? null : String(value);
}

/** Whether nobody can read a reply any more. */
export function isGone(res: Outgoing): boolean {
  return res instanceof ServerResponse ? res.destroyed : (res.stream?.destroyed ?? true);
}

/** Sends a reply and settles what is left of the request. Nothing is sent to a caller who has gone. */
export function sendReply(exchange: Exchange, reply: Reply, bounds: RefusedBodyBounds): void {
  const { req, res } = exchange;
  if (isGone(res) || res.headersSent) {
    return;
  }
  res.statusCode = reply.status;
  for (const [name, value] of reply.headers) {
    res.setHeader(name, value);
  }
  const body = Buffer.from(reply.body as string);
  res.setHeader("content-length", body.length);
  if (res instanceof ServerResponse && unreadBytes(req) > bounds.refused_body_bytes) {
    sendAndClose(req, res, body, bounds.linger_ms);
  } else {
    // What is left of the body is dropped. On HTTP/2 the port closes a stream that goes on sending.
    res.end(body);
    req.resume();
  }
}

/**
 * On HTTP/1.1 only the end of the connection stops a body. The whole reply goes out, but the
 * connection stays open for a moment and drops what still comes: closing on unread bytes resets it,
 * and the caller could lose the reply.
 */
function sendAndClose(req: Incoming, res: ServerResponse, body: Buffer, linger_ms: number): void {
  res.setHeader("connection", "close");
  res.flushHeaders();
  res.write(body);
  const timer = setTimeout(end, linger_ms);
  function end(): void {
    clearTimeout(timer);
    req.off("end", end).off("close", end);
    res.end();
  }
  req.on("end", end).on("close", end).resume();
}

/** At most so many bytes of the body are still to come. */
function unreadBytes(req: Incoming): number {
  if (req.complete || !hasBody(req)) {
    return 0;
  }
  return Number(req.headers["content-length"] ?? Number.POSITIVE_INFINITY);
}

function hasBody(req: Incoming): boolean {
  return req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
}
