/** What becomes of a request whose reply is complete before its body is. */
import { constants } from "node:http2";
import type { HttpReply, HttpRequest } from "./http.js";

/**
 * Leaves the connection, after the reply, in a state in which it can be used again. The rest of the
 * body is read and thrown away: on HTTP/1.1 it stands before the next request, and closing at once
 * would take the reply from a client that still writes; the server's time for a request ends it. On
 * HTTP/2 a client gets `remains_ms` to stop by itself, then the stream is closed without an error,
 * as the protocol has it.
 */
export function dropRemains(request: HttpRequest, reply: HttpReply, remains_ms: number): void {
  if (!("stream" in request)) {
    reply.once("finish", () => request.resume());
    return;
  }
  const { stream } = request;
  // The reply's own "finish" waits for the end of the request.
  stream.once("finish", () => {
    if (stream.destroyed || stream.state.remoteClose === 1) {
      return;
    }
    request.resume();
    const look = setInterval(() => {
      // Not before the end of the reply has left: a close overtakes what is still queued.
      if (!stream.destroyed && stream.state.localClose === 1) {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    }, remains_ms);
    stream.once("close", () => clearInterval(look));
  });
}
