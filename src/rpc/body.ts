/** Reads the one message that a unary or server-streaming call brings. */
import { KillcordError } from "../services/errors.js";
import { Gathering } from "../services/gathering.js";
import type { Share } from "../services/room.js";
import { tooLarge } from "./error.js";
import { type HttpRequest, headerOf } from "./http.js";

/** The flag and the length before each message of a stream, in every protocol. */
export const envelope_bytes = 5;

/**
 * Resolves to the whole body of `request`. A body whose message is over `max_bytes` is refused as
 * soon as that is known, from its announced length or from what came, and the rest of it stays
 * unread: connect-es alone would wait for the end of some of these for ever (and never with
 * `for await`, whose early exit destroys an HTTP/1.1 connection before the refusal is sent).
 *
 * @throws {KillcordError} payload_too_large; overloaded when there is no room; the reason of `signal` when that aborts first
 */
export function readBody(
  request: HttpRequest,
  max_bytes: number,
  signal: AbortSignal,
  share: Pick<Share, "take">,
): Promise<Uint8Array<ArrayBuffer>> {
  const limit = max_bytes + envelope_bytes;
  return new Promise((resolve, reject) => {
    if (Number(headerOf(request, "content-length") ?? 0) > limit) {
      reject(tooLarge(max_bytes));
      return;
    }
    const gathering = new Gathering();

    const settle = (error: unknown) => {
      request.off("data", take).off("end", end).off("close", gone).off("error", gone);
      signal.removeEventListener("abort", abort);
      request.pause();
      reject(error);
    };
    const take = (chunk: Uint8Array) => {
      if (gathering.length + chunk.byteLength > limit) {
        settle(tooLarge(max_bytes));
        return;
      }
      try {
        share.take(chunk.byteLength);
        gathering.add(chunk);
      } catch (error) {
        settle(error);
      }
    };
    const end = () => {
      resolve(gathering.take());
      settle(null);
    };
    const gone = () => settle(wentAway());
    const abort = () => settle(signal.reason);

    request.on("data", take).on("end", end).on("close", gone).on("error", gone);
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
  });
}

/** What ends a call whose caller is gone before its request has come whole. */
export function wentAway(): KillcordError {
  return new KillcordError("canceled", "the caller went away while it sent its request");
}
