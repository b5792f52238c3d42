/** One HTTP exchange, over HTTP/1.1 or HTTP/2. */
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

/** What becomes of a body that was refused, and of a reply that nobody reads. */
export interface ReplyBounds {
  readonly blocked_reader_ms: number;
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
