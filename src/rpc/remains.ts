/** What becomes of a request whose reply was complete before its body was. */
import { constants } from "node:http2";
import type { HttpRequest } from "./http.js";

/**
 * Leaves the connection in a state in which it can be used again. On HTTP/2 the stream is closed
 * without an error, as the protocol has it. On HTTP/1.1 the rest of the body stands before the next
 * request, and closing at once would take the reply from a client that still writes: so it is read
 * and thrown away, for as long as the server gives a request.
 */
export function dropRemains(request: HttpRequest): void {
  if (request.complete) {
    return;
  }
  if ("stream" in request) {
    request.stream.close(constants.NGHTTP2_NO_ERROR);
  } else {
    request.resume();
  }
}
