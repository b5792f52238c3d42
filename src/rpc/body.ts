/** Reads the one message that a unary or server-streaming call brings. */
import { KillcordError } from "../services/errors.js";
import { tooLarge } from "./error.js";
import { type HttpRequest, headerOf } from "./http.js";

/**
 * Resolves to the whole body of `request`. A body over `max_bytes` is refused as soon as that is
 * known, from its announced length or from what came, and the rest of it stays unread: connect-es
 * alone would wait for the end of some of these for ever (and never with `for await`, whose early
 * exit destroys an HTTP/1.1 connection before the refusal is sent).
 *
 * @throws {KillcordError} payload_too_large; the reason of `signal` when that aborts first
 */
export function readBody(
  request: HttpRequest,
  max_bytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    if (Number(headerOf(request, "content-length") ?? 0) > max_bytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;

    const settle = (error: unknown) => {
      request.off("data", take).off("end", end).off("close", gone).off("error", gone);
      signal.removeEventListener("abort", abort);
      request.pause();
      reject(error);
    };
    const take = (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > max_bytes) {
        settle(tooLarge());
      } else {
        chunks.push(chunk);
      }
    };
    const end = () => {
      resolve(joined(chunks, bytes));
      settle(null);
    };
    const gone = () =>
      settle(new KillcordError("canceled", "the caller went away while it sent its request"));
    const abort = () => settle(signal.reason);

    request.on("data", take).on("end", end).on("close", gone).on("error", gone);
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
  });
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
