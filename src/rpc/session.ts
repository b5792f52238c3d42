/** Looks after one HTTP/2 session: Node gives it no time limits of its own. */
import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";

/** How long a session may say nothing. */
export interface SessionBounds {
  readonly silent_socket_ms: number;
  readonly idle_connection_ms: number;
  readonly ping_ms: number;
  readonly resets_per_ping: number;
}

/**
 * Ends a session whose peer never finishes its preface, whose peer has not answered a ping by the
 * time of the next, or which has had no stream for a long time: the last one gracefully, so that a
 * call that crosses with it is tried again by its client.
 *
 * One that opens streams and resets them, over and over, is cut off: each costs the server the
 * beginning of a call and the peer next to nothing (CVE-2023-44487). nghttp2 has such a limit too, but
 * Node leaves the socket open then, as it does after other violations: those end by their next ping.
 */
export function tendSession(session: ServerHttp2Session, bounds: SessionBounds): void {
  let streams = 0;
  let idle_since_ms = performance.now();
  let unanswered = false;
  let resets = 0;

  session.on("stream", (stream) => {
    streams += 1;
    stream.once("close", () => {
      streams -= 1;
      idle_since_ms = performance.now();
      // Also one that the peer made us reset, and one that it ended early with no error.
      resets += stream.rstCode !== constants.NGHTTP2_NO_ERROR || !stream.writableFinished ? 1 : 0;
      if (resets > bounds.resets_per_ping) {
        session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    });
  });
  // The settings are the second half of a client's preface.
  const silence = setTimeout(() => session.destroy(), bounds.silent_socket_ms);
  session.once("remoteSettings", () => clearTimeout(silence));

  const beat = setInterval(() => {
    resets = 0;
    if (session.destroyed) {
      // "close" is still to come, and a ping would throw.
      return;
    }
    if (unanswered) {
      session.destroy();
    } else if (streams === 0 && performance.now() - idle_since_ms >= bounds.idle_connection_ms) {
      session.close();
    } else {
      unanswered = true;
      session.ping((error) => {
        unanswered = error !== null;
      });
    }
  }, bounds.ping_ms);
  session.once("close", () => {
    clearTimeout(silence);
    clearInterval(beat);
  });
}

/**
 * Cuts an HTTP/2 request that has neither come whole nor been answered in time. One whose reply has
 * begun is live, however long it takes.
 */
export function cutSlowRequest(
  request: Http2ServerRequest,
  reply: Http2ServerResponse,
  request_ms: number,
): void {
  if (request.stream.endAfterHeaders) {
    return;
  }
  const timer = setTimeout(() => {
    if (!request.complete && !reply.headersSent) {
      request.stream.close(constants.NGHTTP2_CANCEL);
    }
  }, request_ms);
  request.once("end", () => clearTimeout(timer));
  reply.once("close", () => clearTimeout(timer));
}
