/** Follows sessions for whoever looks on: a dashboard, an operator's program, a page. */
import { Code } from "@connectrpc/connect";
import {
  SessionStatus,
  type WatchSessionsResponse,
  type Session as WireSession,
} from "../gen/killcord/v1/session_pb.js";
import type { Connection } from "./connection.js";
import { callError, failureKind, toldFailure } from "./failure.js";
import { backoffMs, sleep } from "./platform.js";
import { fell_silent, silence_ms, type Watched } from "./stream.js";
import { type SessionStatusWord, type StopReasonWord, statusWord, stopReasonWord } from "./words.js";

/** Which sessions: these, or those that fit, or all. Ids go without the others. */
export type WatchFilter =
  | { readonly sessionIds: readonly string[] }
  | {
      readonly sessionIds?: never;
      readonly agentId?: string;
      readonly label?: string;
      readonly status?: readonly ("active" | "paused" | "killed" | "expired" | "ended")[];
    };

/** A session as it is in one moment. */
export interface SessionView {
  readonly sessionId: string;
  readonly status: SessionStatusWord;
  readonly agentId: string | undefined;
  readonly label: string | undefined;
  /** Actions so far. */
  readonly actions: number;
  readonly stopReason: StopReasonWord | undefined;
  /** Why it is stopped or held, as text for people. */
  readonly reason: string;
  readonly haltId: string | undefined;
  /** Index in the log up to which everything has been told. */
  readonly revision: bigint;
}

export async function* watchSessions(
  connection: Connection,
  filter: WatchFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<SessionView, void> {
  const { clock, random, hold } = connection.platform;
  const release = hold();
  let resumeToken = "";
  let failures = 0;
  try {
    while (!signal?.aborted) {
      try {
        for await (const message of oneStream(connection, { ...request(filter), resumeToken }, signal)) {
          connection.answered();
          failures = 0;
          resumeToken = message.resumeToken;
          if (message.update.case === "session") yield view(message.update.value, message.revision);
          if (message.update.case === "bookmark" && message.update.value.draining) break;
        }
        // By ids it ends when all of them have stopped.
        if (filter.sessionIds !== undefined) return;
      } catch (thrown) {
        if (signal?.aborted) return;
        const error = callError(thrown);
        if (error.code === Code.DataLoss) resumeToken = "";
        else if (failureKind(error) !== "passing") throw toldFailure(error, connection.url);
        connection.failing(error);
      }
      failures += 1;
      await sleep(clock, backoffMs(random, failures));
    }
  } finally {
    release();
  }
}

/** One connection, read at the pace of the loop: a slow one gets the newest state of each session. */
async function* oneStream(
  { services, platform: { clock } }: Connection,
  watched: Watched,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchSessionsResponse, void> {
  const ending = new AbortController();
  const onAbort = () => ending.abort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const silence = () => clock.after(silence_ms, () => ending.abort(fell_silent));
  let timer = silence();
  try {
    for await (const message of services.sessions.watchSessions(watched, {
      signal: ending.signal,
      timeoutMs: 0,
    })) {
      timer.cancel();
      yield message;
      timer = silence();
    }
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    ending.abort();
  }
}

function request(filter: WatchFilter): Watched {
  if (filter.sessionIds !== undefined) return { sessionIds: [...filter.sessionIds] };
  return {
    ...(filter.agentId === undefined ? {} : { agentId: filter.agentId }),
    ...(filter.label === undefined ? {} : { label: filter.label }),
    status: (filter.status ?? []).map((word) => SessionStatus[word.toUpperCase() as Uppercase<typeof word>]),
  };
}

function view(session: WireSession, revision: bigint): SessionView {
  return {
    sessionId: session.sessionId,
    status: statusWord(session.status),
    agentId: session.agentId,
    label: session.label,
    actions: Number(session.consumed?.actions ?? 0n),
    stopReason: stopReasonWord(session.stopReason),
    reason: session.killReason ?? session.pauseReason ?? "",
    haltId: session.haltId,
    revision,
  };
}
