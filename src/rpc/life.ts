/** How long one call lives: until its reply is sent, its caller has gone, or its time is over. */
import { KillcordError } from "../services/errors.js";
import type { HttpReply } from "./http.js";

/** The life of one call. The signals' reasons are KillcordErrors. */
export interface Life {
  /** For the service: it is to come to its end, for one of the reasons below or because the server drains. */
  readonly signal: AbortSignal;
  /** Nothing more is wanted of the service: the time is over, or nobody reads. */
  readonly ended: AbortSignal;
  /** Nobody reads: nothing can be sent. */
  readonly gone: AbortSignal;
  /** Resolves when the reply has left or its connection is gone. */
  readonly closed: Promise<void>;
  /** What the call ends with when its service comes to an end because the server drains; else null. */
  readonly leaving: KillcordError | null;
  /**
   * The server drains: a service that knows gets `notice_ms` to end by itself, then it is told by its
   * signal. What it still says is sent.
   */
  drain(notice_ms: number): void;
  /** Gives the reader up. */
  cut(reason: KillcordError): void;
  /** The reply is complete. */
  finish(): void;
}

/** Begins the life of the call that `reply` answers; `timeout_ms` null means no end of its own. */
export function beginLife(reply: HttpReply, timeout_ms: number | null): Life {
  const signal = new AbortController();
  const ended = new AbortController();
  const gone = new AbortController();
  const stop = (reason: KillcordError, controllers: readonly AbortController[]) => {
    for (const controller of controllers) {
      controller.abort(reason);
    }
  };
  const expire = () => stop(expired(timeout_ms), [ended, signal]);
  const timer = timeout_ms === null ? undefined : setTimeout(expire, timeout_ms);
  let finished = false;
  let leaving: KillcordError | null = null;
  let notice: NodeJS.Timeout | undefined;
  const finish = () => {
    finished = true;
    clearTimeout(timer);
    clearTimeout(notice);
  };
  const cut = (reason: KillcordError) => {
    if (!finished) {
      finish();
      stop(reason, [gone, ended, signal]);
    }
  };
  // "close" comes on both versions of HTTP, after the end as well as when the peer goes away; the
  // request's own events differ between them.
  const closed = new Promise<void>((resolve) => {
    reply.once("close", () => {
      cut(new KillcordError("canceled", "the caller has gone"));
      resolve();
    });
  });
  // Without a listener a write to a peer that has just gone would end the process.
  reply.on("error", () => {});

  return {
    signal: signal.signal,
    ended: ended.signal,
    gone: gone.signal,
    closed,
    get leaving() {
      return leaving;
    },
    drain(notice_ms) {
      const reason = draining();
      leaving = reason;
      notice = setTimeout(() => stop(reason, [signal]), notice_ms);
    },
    cut,
    finish,
  };
}

/** The refusal of calls that a server about to stop can't finish. */
export function draining(): KillcordError {
  const text = "the server is about to stop: connect again in a moment";
  return new KillcordError("unavailable", text, { retry_after_ms: 1000 });
}

function expired(timeout_ms: number | null): KillcordError {
  const text = `no answer within ${timeout_ms} ms: it may still have happened; ask again with the same idempotency key`;
  return new KillcordError("deadline_exceeded", text);
}
