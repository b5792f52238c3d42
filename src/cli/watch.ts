/**
 * Follows one session to its end over whatever happens to the connection. The states are entries of
 * the server's log, so none can be missed: each connection begins with the present state.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchSessionResponse } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import type { Server } from "./client.js";
import { isAnswer } from "./failure.js";
import { isTerminal } from "./session-view.js";

/** How a watch is followed. */
export interface FollowOptions {
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal;
  /** Told once for each try to connect again. */
  readonly onLost?: (reason: string) => void;
}

/**
 * Yields every message of WatchSession, and ends after the terminal state.
 *
 * @throws {ConnectError} when the first connection fails, when the server refuses the watch, or when
 *   it could not be reached for limits.watch_give_up_ms
 */
export async function* follow(
  server: Server,
  session_id: string,
  options: FollowOptions = {},
): AsyncGenerator<WatchSessionResponse> {
  const signal = options.signal ?? new AbortController().signal;
  let resume_token = "";
  let heard_ms: number | null = null;
  for (let tries = 0; !signal.aborted; tries += 1) {
    let lost = new ConnectError("the server closed the stream", Code.Unavailable);
    try {
      for await (const message of oneStream(server, session_id, resume_token, signal)) {
        resume_token = message.resumeToken;
        heard_ms = performance.now();
        tries = 0;
        yield message;
        if (message.update.case === "session" && isTerminal(message.update.value.status)) return;
        if (message.update.case === "bookmark" && message.update.value.draining) break;
      }
    } catch (error) {
      lost = ConnectError.from(error);
    }
    if (signal.aborted) return;
    if (heard_ms === null || !isPassing(lost)) throw lost;
    if (performance.now() - heard_ms > limits.watch_give_up_ms) throw lost;
    options.onLost?.(lost.rawMessage);
    // Aborted while asleep: the loop sees it.
    await sleep(retryDelay(tries), undefined, { signal }).catch(() => undefined);
  }
}

/** One connection. A server that says nothing, not even that it lives, is taken as gone. */
async function* oneStream(
  server: Server,
  session_id: string,
  resume_token: string,
  signal: AbortSignal,
): AsyncGenerator<WatchSessionResponse> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new ConnectError("the server fell silent", Code.Unavailable)),
    limits.watch_silence_ms,
  );
  try {
    const stream = server.sessions.watchSession(
      { sessionId: session_id, resumeToken: resume_token },
      { signal: AbortSignal.any([signal, silence.signal]), timeoutMs: 0 },
    );
    for await (const message of stream) {
      timer.refresh();
      yield message;
    }
  } finally {
    clearTimeout(timer);
    // Also when the reader left in the middle: ends the call on the server.
    silence.abort();
  }
}

/** Whether another try may go better: the way failed, or the server is busy, draining or restarting. */
function isPassing(refusal: ConnectError): boolean {
  if (!isAnswer(refusal)) return true;
  return (
    refusal.code === Code.Unavailable ||
    refusal.code === Code.ResourceExhausted ||
    refusal.code === Code.DeadlineExceeded ||
    refusal.code === Code.Canceled ||
    refusal.code === Code.Aborted
  );
}

/** Doubles up to the limit; half of it is chance, so that a fleet does not come back in step. */
function retryDelay(tries: number): number {
  const full = Math.min(limits.watch_retry_ms_max, limits.watch_retry_ms_min * 2 ** Math.min(tries, 10));
  return full / 2 + (Math.random() * full) / 2;
}
