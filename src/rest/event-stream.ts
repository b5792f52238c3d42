/**
 * Answers of server-streaming methods: a stream of events at the pace of its reader. What fails
 * before the first message is an ordinary reply; after it an event tells the error.
 */
import type { Message } from "@bufbuild/protobuf";
import { limits } from "../limits.js";
import { KillcordError } from "../services/errors.js";
import { untilAborted } from "./caller.js";
import { errorEvent, eventOf, retryLine } from "./event.js";
import { type Exchange, isGone } from "./exchange.js";
import { end, writable, write } from "./pace.js";
import type { Route } from "./routes.js";
import { errorReply, refusalOf } from "./status.js";

/** How long a reader may leave no room. */
export interface StreamBounds {
  readonly blocked_reader_ms: number;
}

/** A stream that is under way. */
export interface EventStream {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly messages: AsyncIterable<Message>;
  /** Aborts when the reader has gone. */
  readonly gone: AbortSignal;
  /** Headers that the service wants to add. */
  readonly reply_headers: Headers;
}

/**
 * Sends a stream of events until it is over.
 *
 * @throws whatever the source throws: if that was before the first message nothing has been sent,
 *   else the reader has been told
 */
export async function sendEvents(stream: EventStream, bounds: StreamBounds): Promise<void> {
  const { exchange, route, gone } = stream;
  const { res } = exchange;
  const messages = stream.messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await untilAborted(messages.next(), gone);
      writeHead(stream);
      if (step.done === true) {
        break;
      }
      await write(res, eventOf(route, step.value), bounds.blocked_reader_ms);
    }
  } catch (thrown) {
    // Not awaited: a source that is parked would not answer before it wakes.
    messages.return?.()?.catch(() => {});
    if (res.headersSent && !gone.aborted && !isGone(res)) {
      const refusal = thrown instanceof KillcordError ? refusalOf(thrown) : null;
      writable(res).write(errorEvent(errorReply(refusal, exchange.request_id).body));
      end(res, bounds.blocked_reader_ms);
    }
    throw thrown;
  }
  end(res, bounds.blocked_reader_ms);
}

function writeHead({ exchange, reply_headers }: EventStream): void {
  const { res, request_id } = exchange;
  if (res.headersSent || isGone(res)) {
    return;
  }
  for (const [name, value] of reply_headers) {
    res.setHeader(name, value);
  }
  res.setHeader("content-type", "text/event-stream");
  res.setHeader("cache-control", "no-store");
  // Proxies would gather events until they fill a buffer.
  res.setHeader("x-accel-buffering", "no");
  res.setHeader("x-request-id", request_id);
  res.statusCode = 200;
  // Streams that end together shall not come back together.
  const spread = limits.event_retry_ms_max - limits.event_retry_ms_min;
  writable(res).write(retryLine(limits.event_retry_ms_min + Math.random() * spread));
}
