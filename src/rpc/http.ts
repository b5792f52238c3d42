/** What HTTP/1.1 and HTTP/2 requests have in common. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request in either version. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** A reply in either version. */
export type HttpReply = ServerResponse | Http2ServerResponse;

/** Answers every request; never throws. */
export type HttpHandler = (request: HttpRequest, reply: HttpReply) => void;

/** A header's value by its lower-case name, or null. */
export function headerOf(request: HttpRequest, name: string): string | null {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : (value ?? null);
}

/** All headers, without the pseudo-headers of HTTP/2. */
export function headersOf(request: HttpRequest): Headers {
  const headers = new Headers();
  for (const name of Object.keys(request.headers)) {
    const value = name.startsWith(":") ? null : headerOf(request, name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  return headers;
}

/** The path and the query, `/a/b` and `c=d`; an absolute URL, as proxies send it, is cut down to them. */
export function targetOf(request: HttpRequest): { readonly path: string; readonly query: string } {
  const target = (request.url ?? "/").replace(/^https?:\/\/[^/?#]*/i, "");
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
