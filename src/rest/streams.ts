/** The streams of this surface: how each begins, and how all of them end when the server drains. */
import type { Message } from "@bufbuild/protobuf";
import type { Call, Door } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import { watchCaller } from "./caller.js";
import { applyLastEventId } from "./compat.js";
import { type StreamBounds, sendEvents } from "./event-stream.js";
import { type Exchange, headerOf } from "./exchange.js";
import type { Route } from "./routes.js";

/** What a call knows of its caller before it is answered. */
export type By = Pick<Call, "principal" | "received_ms" | "share">;

export interface Streams {
  /**
   * Answers a call of a server-streaming method, to its end.
   *
   * @throws what refuses it, or has ended it early; what was sent is told by `headersSent`
   */
  send(exchange: Exchange, route: Route, request: Message, by: By): Promise<void>;
  /** Brings all of them to their end and refuses new ones: the server is about to stop. */
  drain(): void;
  /** How many are under way. */
  count(): number;
}

export function createStreams(door: Door, bounds: StreamBounds): Streams {
  /** Each ends one stream. */
  const under_way = new Set<AbortController>();
  let is_draining = false;
  return {
    async send(exchange, route, request, by) {
      if (is_draining) {
        throw draining();
      }
      const { req, res, request_id } = exchange;
      applyLastEventId(route.rpc.input, request, headerOf(req, "last-event-id"));
      const watch = watchCaller(res, null);
      const ending = new AbortController();
      under_way.add(ending);
      watch.signal.addEventListener("abort", () => ending.abort(watch.signal.reason));
      const reply_headers = new Headers();
      const call: Call = { ...by, request_id, signal: ending.signal, reply_headers };
      try {
        const messages = door.stream(route.rpc, request, call);
        await sendEvents({ exchange, route, messages, gone: watch.signal, reply_headers }, bounds);
      } finally {
        under_way.delete(ending);
        watch.end();
      }
    },
    drain() {
      is_draining = true;
      for (const ending of under_way) {
        ending.abort(draining());
      }
    },
    count: () => under_way.size,
  };
}

function draining(): KillcordError {
  const text = "the server is about to stop: connect again in a moment";
  return new KillcordError("unavailable", text, { retry_after_ms: 1000 });
}
