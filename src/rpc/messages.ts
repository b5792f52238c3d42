/** Reads the messages of a client-streaming or bidirectional call as they come. */
import { envelope_bytes, wentAway } from "./body.js";
import { tooLarge } from "./error.js";
import { Gathering } from "./gathering.js";
import type { HttpRequest } from "./http.js";

/**
 * Yields one message after the other, each whole, with its flag and its length still before it. The
 * next is read from the socket when it is asked for, so that a slow service makes its caller wait
 * and no queue grow. A message over `max_bytes` is refused as soon as its length is known, and the
 * rest of the body stays unread.
 *
 * An iterator written by hand: leaving a `for await` over a request would destroy it, and on HTTP/2
 * connect-es would wait for ever for that to end before it told the caller anything.
 *
 * @throws {KillcordError} payload_too_large, canceled; the reason of `signal` when that aborts first
 */
export function readMessages(
  request: HttpRequest,
  max_bytes: number,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const chunks = readChunks(request, signal);
  let rest: Uint8Array = new Uint8Array(0);

  /** Moves bytes into `gathering` until it has `length`; false when the body ends before. */
  const fill = async (gathering: Gathering, length: number): Promise<boolean> => {
    while (gathering.length < length) {
      if (rest.byteLength === 0) {
        const chunk = await chunks.next();
        if (chunk === null) {
          return false;
        }
        rest = chunk;
      }
      const missing = length - gathering.length;
      gathering.add(rest.subarray(0, missing));
      rest = rest.subarray(missing);
    }
    return true;
  };

  const announced = (head: Uint8Array): number => {
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    if (length > max_bytes) {
      throw tooLarge(max_bytes);
    }
    return envelope_bytes + length;
  };

  /** The next message; nothing at the end. One that is torn is passed on: the library has the words for it. */
  const take = async (): Promise<Uint8Array> => {
    if (rest.byteLength < envelope_bytes || rest.byteLength < announced(rest)) {
      const gathering = new Gathering();
      if (await fill(gathering, envelope_bytes)) {
        await fill(gathering, announced(gathering.take()));
      }
      return gathering.take();
    }
    // The usual case: it lies whole in what came.
    const length = announced(rest);
    const message = rest.subarray(0, length);
    rest = rest.subarray(length);
    return message;
  };

  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      const message = await take();
      return message.byteLength === 0 ? { done: true, value: undefined } : { done: false, value: message };
    } catch (error) {
      chunks.leave();
      throw error;
    }
  };
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    chunks.leave();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

/** The bytes of a body as they come, at the pace of who asks. */
interface Chunks {
  /** null at the end of the body. */
  next(): Promise<Uint8Array | null>;
  /** Nothing more is wanted; a next() that still waits gets null. */
  leave(): void;
}

/** What may wait between the socket and the service before the socket is left unread. */
const waiting_bytes_max = 64 * 1024;
const waiting_chunks_max = 64;

function readChunks(request: HttpRequest, signal: AbortSignal): Chunks {
  const come: Uint8Array[] = [];
  let waiting_bytes = 0;
  let over: { readonly error: unknown } | null = null;
  let wake: (() => void) | null = null;

  const finish = (error: unknown) => {
    over ??= { error };
    request.off("data", take).off("end", end).off("close", gone).off("error", gone);
    signal.removeEventListener("abort", abort);
    request.pause();
    wake?.();
  };
  const take = (chunk: Uint8Array) => {
    come.push(chunk);
    waiting_bytes += chunk.byteLength;
    if (waiting_bytes >= waiting_bytes_max || come.length >= waiting_chunks_max) {
      request.pause();
    }
    wake?.();
  };
  const end = () => finish(null);
  const gone = () => finish(wentAway());
  const abort = () => finish(signal.reason);

  request.on("data", take).on("end", end).on("close", gone).on("error", gone);
  signal.addEventListener("abort", abort);
  if (signal.aborted) {
    abort();
  }
  return {
    async next() {
      if (come.length === 0 && over === null) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = null;
      }
      const chunk = come.shift();
      if (chunk !== undefined) {
        waiting_bytes -= chunk.byteLength;
        if (come.length === 0 && over === null) {
          request.resume();
        }
        return chunk;
      }
      if (over !== null && over.error !== null) {
        throw over.error;
      }
      return null;
    },
    leave: end,
  };
}
