/** Sends whole replies, over HTTP/1.1 or HTTP/2. */
import { ServerResponse } from "node:http";
import { type Exchange, type Incoming, isGone, type Reply, type ReplyBounds } from "./exchange.js";
import { sendBody } from "./pace.js";

/**
 * Sends a reply and settles what is left of the request; resolves when it has been written. Nothing is
 * sent to a caller who has gone.
 */
export async function sendReply(exchange: Exchange, reply: Reply, bounds: ReplyBounds): Promise<void> {
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
    req.resume();
    await sendBody(res, body, bounds.blocked_reader_ms);
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
