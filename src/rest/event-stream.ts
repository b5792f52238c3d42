/**
 * Answers of server-streaming methods: a stream of events at the pace of its reader. What fails
 * before the first message is an ordinary reply; after it an event tells the error.
 */
import { constants } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import { limits } from "../limits.js";
import { KillcordError } from "../services/errors.js";
import { untilAborted } from "./caller.js";
import { errorEvent, eventOf, retryLine } from "./event.js";
import { type Exchange, isGone, type Outgoing } from "./exchange.js";
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
      await write(res, eventOf(route, step.value), gone, bounds.blocked_reader_ms);
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

/** Resolves when there is room for the next event. @throws {KillcordError} when there was none for too long */
function write(res: Outgoing, text: string, gone: AbortSignal, blocked_ms: number): Promise<void> {
  gone.throwIfAborted();
  if (writable(res).write(text)) {
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      clearTimeout(timer);
      res.off("drain", onDrain);
      gone.removeEventListener("abort", onGone);
      if (error === undefined) {
        resolve();
      } else {
        reject(error);
      }
    };
    const onDrain = () => settle();
    const onGone = () => settle(gone.reason);
    const timer = setTimeout(() => {
      const text = `the reader took nothing for ${blocked_ms} ms and was cut off`;
      cutOff(res);
      settle(new KillcordError("overloaded", text));
    }, blocked_ms);
    res.on("drain", onDrain);
    gone.addEventListener("abort", onGone);
  });
}

/** Ends a reply; one that is not taken to its end in time is broken off. */
function end(res: Outgoing, blocked_ms: number): void {
  const timer = setTimeout(() => cutOff(res), blocked_ms);
  res.once("close", () => clearTimeout(timer));
  res.end();
}

/** Ends a reply in a way that no reader takes for its proper end. */
function cutOff(res: Outgoing): void {
  if ("stream" in res) {
    res.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  } else {
    res.destroy();
  }
}

/** What both replies have of a stream; their overloads differ, so that the union can't be called. */
function writable(res: Outgoing): { write(text: string): boolean } {
  return res;
}
