/** Reads the messages of a client-streaming or bidirectional call as they come. */
import { KillcordError } from "../services/errors.js";
import { Gathering } from "../services/gathering.js";
import type { Share } from "../services/room.js";
import { envelope_bytes, wentAway } from "./body.js";
import { tooLarge } from "./error.js";
import type { HttpRequest } from "./http.js";

/** What one message may take up; a part of limits.ts. */
export interface MessageBounds {
  /** Without what stands before it. */
  readonly request_body_bytes: number;
  /** From its first byte to its last: one that is begun may not keep its call open for ever. */
  readonly request_ms: number;
}

/**
 * Yields one message after the other, each whole, with its flag and its length still before it. The
 * next is read from the socket when it is asked for, so that a slow service makes its caller wait
 * and no queue grow; and those of agents wait for their turn of the event loop. A message over the limit is refused as soon as its length is known, and the
 * rest of the body stays unread.
 *
 * An iterator written by hand: leaving a `for await` over a request would destroy it, and on HTTP/2
 * connect-es would wait for ever for that to end before it told the caller anything.
 *
 * @throws {KillcordError} payload_too_large, overloaded, deadline_exceeded, canceled; the reason of `signal` when that aborts first
 */
export function readMessages(
  request: HttpRequest,
  { request_body_bytes: max_bytes, request_ms }: MessageBounds,
  signal: AbortSignal,
  share: Pick<Share, "take" | "give" | "turn">,
): AsyncIterable<Uint8Array> {
  const chunks = readChunks(request, signal, share);
  /** Bytes of the last message, if it did not lie whole in what came. */
  let gathered = 0;
  let rest: Uint8Array = new Uint8Array(0);
  let slow: NodeJS.Timeout | undefined;

  /** Moves bytes into `gathering` until it has `length`; false when the body ends before. */
  const fill = async (gathering: Gathering, length: number): Promise<boolean> => {
    while (gathering.length < length) {
      if (rest.byteLength === 0) {
        if (gathering.length > 0) {
          slow ??= setTimeout(() => chunks.fail(tooSlow(request_ms)), request_ms);
        }
        const chunk = await chunks.next();
        if (chunk === null) {
          return false;
        }
        rest = chunk;
      }
      const piece = rest.subarray(0, length - gathering.length);
      gathered += taken(share, piece);
      gathering.add(piece);
      rest = rest.subarray(piece.byteLength);
    }
    return true;
  };

  /** The next message; nothing at the end. A torn one is passed on: the library has the words for it. */
  const take = async (): Promise<Uint8Array> => {
    if (!liesWhole(rest, max_bytes)) {
      const gathering = new Gathering();
      if (await fill(gathering, envelope_bytes)) {
        await fill(gathering, announced(gathering.take(), max_bytes));
      }
      return gathering.take();
    }
    // The usual case: it lies whole in what came.
    const length = announced(rest, max_bytes);
    const message = rest.subarray(0, length);
    rest = rest.subarray(length);
    return message;
  };

  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    // Whoever asks for the next is done with the bytes of the last.
    share.give(gathered);
    gathered = 0;
    try {
      const message = await take();
      // Asked for only now: a stream that has said nothing for long has no turn to spend.
      await (message.byteLength === 0 ? null : share.turn());
      return message.byteLength === 0 ? { done: true, value: undefined } : { done: false, value: message };
    } catch (error) {
      chunks.leave();
      throw error;
    } finally {
      clearTimeout(slow);
      slow = undefined;
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: () => left(chunks) }) };
}

async function left(chunks: Chunks): Promise<IteratorResult<Uint8Array>> {
  chunks.leave();
  return { done: true, value: undefined };
}

function taken(share: Pick<Share, "take">, { byteLength }: Uint8Array): number {
  share.take(byteLength);
  return byteLength;
}

function liesWhole(bytes: Uint8Array, max_bytes: number): boolean {
  return bytes.byteLength >= envelope_bytes && bytes.byteLength >= announced(bytes, max_bytes);
}

/** Bytes of a message with its head, of which at least that is there. @throws {KillcordError} payload_too_large */
function announced(head: Uint8Array, max_bytes: number): number {
  const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
  if (length > max_bytes) {
    throw tooLarge(max_bytes);
  }
  return envelope_bytes + length;
}

/** The bytes of a body as they come, at the pace of who asks. */
interface Chunks {
  /** null at the end of the body. */
  next(): Promise<Uint8Array | null>;
  /** Nothing more is wanted; a next() that still waits gets null. */
  leave(): void;
  /** Likewise; it throws `error`. */
  fail(error: unknown): void;
}

/** What may wait between the socket and the service before the socket is left unread. */
const waiting_bytes_max = 64 * 1024;
const waiting_chunks_max = 64;

function readChunks(request: HttpRequest, signal: AbortSignal, share: Pick<Share, "take" | "give">): Chunks {
  const come: Uint8Array[] = [];
  let waiting_bytes = 0;
  let last_bytes = 0;
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
    try {
      share.take(chunk.byteLength);
    } catch (error) {
      finish(error);
      return;
    }
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
      share.give(last_bytes);
      last_bytes = 0;
      if (come.length === 0 && over === null) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = null;
      }
      const chunk = come.shift();
      if (chunk !== undefined) {
        waiting_bytes -= chunk.byteLength;
        last_bytes = chunk.byteLength;
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
    fail: finish,
  };
}

function tooSlow(request_ms: number): KillcordError {
  const text = `a message that was begun did not come whole within ${request_ms} ms: send each in one go`;
  return new KillcordError("deadline_exceeded", text);
}
