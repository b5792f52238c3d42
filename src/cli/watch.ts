/**
 * Follows sessions over whatever happens to the connection. The states are entries of the server's
 * log, so no end can be missed: each connection begins with what is, and how sessions stopped since.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { EscalationStatus, type WatchEscalationsResponse } from "../../gen/killcord/v1/escalation_pb.js";
import type {
  SessionStatus,
  WatchSessionResponse,
  WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import type { Server } from "./client.js";
import { client_limits } from "./client-limits.js";
import { isAnswer } from "./failure.js";
import { isTerminal } from "./session-view.js";

/** How a watch is followed. */
export interface FollowOptions {
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal;
  /** Told once for each try to connect again. */
  readonly onLost?: (reason: string) => void;
}

/** Which sessions to follow: these, or those that fit; none given means all. */
export interface Followed {
  readonly sessionIds?: string[];
  readonly agentId?: string;
  readonly label?: string;
  readonly status?: SessionStatus[];
}

/**
 * Yields every message of WatchSession, and ends after the terminal state.
 *
 * @throws {ConnectError} when the first connection fails, when the server refuses the watch, or when
 *   it could not be reached for client_limits.watch_give_up_ms
 */
export function follow(
  server: Server,
  session_id: string,
  options: FollowOptions = {},
): AsyncGenerator<WatchSessionResponse> {
  return reconnecting(
    (resumeToken, call) => server.sessions.watchSession({ sessionId: session_id, resumeToken }, call),
    ({ update }) => update.case === "session" && isTerminal(update.value.status),
    options,
  );
}

/**
 * Yields every message of WatchSessions. With ids it ends when all of them have stopped, else never.
 *
 * @throws {ConnectError} as `follow`
 */
export function followSessions(
  server: Server,
  which: Followed,
  options: FollowOptions = {},
): AsyncGenerator<WatchSessionsResponse> {
  const open = new Set(which.sessionIds);
  return reconnecting(
    (resumeToken, call) => server.sessions.watchSessions({ ...which, resumeToken }, call),
    ({ update }) =>
      update.case === "session" &&
      isTerminal(update.value.status) &&
      open.delete(update.value.sessionId) &&
      open.size === 0,
    options,
  );
}

/** Which escalations to follow: these, or those that fit; none given means all. */
export interface FollowedEscalations {
  readonly escalationIds?: string[];
  readonly agentId?: string;
  readonly sessionId?: string;
}

/**
 * Yields every message of WatchEscalations. With ids it ends when all of them are answered, else never.
 *
 * @throws {ConnectError} as `follow`
 */
export function followEscalations(
  server: Server,
  which: FollowedEscalations,
  options: FollowOptions = {},
): AsyncGenerator<WatchEscalationsResponse> {
  const open = new Set(which.escalationIds);
  return reconnecting(
    (resumeToken, call) => server.escalations.watchEscalations({ ...which, resumeToken }, call),
    ({ update }) =>
      update.case === "escalation" &&
      update.value.status !== EscalationStatus.PENDING &&
      open.delete(update.value.escalationId) &&
      open.size === 0,
    options,
  );
}

/** Opens one connection of a watch. */
type Open<Message> = (resume_token: string, call: CallOptions) => AsyncIterable<Message>;

type Watched = WatchSessionResponse | WatchSessionsResponse | WatchEscalationsResponse;

async function* reconnecting<Message extends Watched>(
  open: Open<Message>,
  isLast: (message: Message) => boolean,
  options: FollowOptions,
): AsyncGenerator<Message> {
  const signal = options.signal ?? new AbortController().signal;
  let resume_token = "";
  let heard_ms: number | null = null;
  for (let tries = 0; !signal.aborted; tries += 1) {
    let lost = new ConnectError("the server closed the stream", Code.Unavailable);
    try {
      for await (const message of oneStream(open, resume_token, signal)) {
        resume_token = message.resumeToken;
        heard_ms = performance.now();
        tries = 0;
        yield message;
        if (isLast(message)) return;
        if (message.update.case === "bookmark" && message.update.value.draining) break;
      }
    } catch (error) {
      lost = ConnectError.from(error);
    }
    if (signal.aborted) return;
    if (heard_ms === null || !isPassing(lost)) throw lost;
    if (performance.now() - heard_ms > client_limits.watch_give_up_ms) throw lost;
    options.onLost?.(lost.rawMessage);
    // Aborted while asleep: the loop sees it.
    await sleep(retryDelay(tries), undefined, { signal }).catch(() => undefined);
  }
}

/** One connection. A server that says nothing, not even that it lives, is taken as gone. */
async function* oneStream<Message>(
  open: Open<Message>,
  resume_token: string,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new ConnectError("the server fell silent", Code.Unavailable)),
    limits.watch_silence_ms,
  );
  try {
    const ending = AbortSignal.any([signal, silence.signal]);
    for await (const message of open(resume_token, { signal: ending, timeoutMs: 0 })) {
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
export function isPassing(refusal: ConnectError): boolean {
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
  const full = Math.min(
    client_limits.watch_retry_ms_max,
    client_limits.watch_retry_ms_min * 2 ** Math.min(tries, 10),
  );
  return full / 2 + (Math.random() * full) / 2;
}
