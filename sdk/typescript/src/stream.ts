/** One connection of a watch. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchSessionsRequestSchema, WatchSessionsResponse } from "../gen/killcord/v1/session_pb.js";
import type { Services } from "./connection.js";
import { callError } from "./failure.js";
import type { Clock } from "./platform.js";

/** Which sessions, and from where. */
export type Watched = MessageInitShape<typeof WatchSessionsRequestSchema>;

/** How it ended: as it should; without a first message; without any sign of life later on; or by an error. */
export type StreamEnd =
  | { readonly kind: "complete" }
  | { readonly kind: "mute" }
  | { readonly kind: "silent" }
  | { readonly kind: "failed"; readonly error: ConnectError };

export interface StreamReader {
  message(message: WatchSessionsResponse): void;
  /** Once, and not after an abort. */
  end(how: StreamEnd): void;
}

/** Longest wait for the first message. */
const first_ms = 10_000;
/** Longest wait for another: the server sends a bookmark after 15 seconds at most. */
export const silence_ms = 35_000;

/** What such a stream is taken for. */
export const fell_silent = new ConnectError("the stream fell silent", Code.Unavailable);

/**
 * Opens it.
 *
 * @returns ends it without a word
 */
export function openStream(
  services: Services,
  clock: Clock,
  watched: Watched,
  reader: StreamReader,
): () => void {
  const ending = new AbortController();
  let over: StreamEnd | "aborted" | null = null;
  const finish = (how: StreamEnd | "aborted") => {
    if (over !== null) return;
    over = how;
    timer.cancel();
    ending.abort();
    if (how !== "aborted") reader.end(how);
  };
  let timer = clock.after(first_ms, () => finish({ kind: "mute" }));
  const read = async () => {
    const options = { signal: ending.signal, timeoutMs: 0 };
    for await (const message of services.sessions.watchSessions(watched, options)) {
      if (over !== null) return;
      timer.cancel();
      timer = clock.after(silence_ms, () => finish({ kind: "silent" }));
      reader.message(message);
    }
  };
  read().then(
    () => finish({ kind: "complete" }),
    (thrown) => finish({ kind: "failed", error: callError(thrown) }),
  );
  return () => finish("aborted");
}
