/** Sends a reply at the pace of its reader. */
import { constants } from "node:http2";
import type { Writable } from "node:stream";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { KillcordError } from "../services/errors.js";
import { rewriteMessage } from "./grpc-message.js";
import type { HttpReply } from "./http.js";
import type { Life } from "./life.js";
import { setHeaders } from "./refuse.js";

/** One write: a reader that takes this much in time is slow, not blocked. */
const slice_bytes = 16 * 1024;

/**
 * Sends headers, body and trailers of `answer`; resolves when the last byte has left. The next chunk
 * is asked for when the one before it found room, so that a slow reader makes its source wait and no
 * queue grow. A reader that leaves no room for `blocked_ms` is cut off.
 *
 * @throws {KillcordError} canceled when the reader has gone, overloaded when it was cut off
 * @throws whatever the body throws, which breaks the reply off: its reader sees no proper end
 */
export async function send(
  answer: UniversalServerResponse,
  reply: HttpReply,
  life: Life,
  blocked_ms: number,
): Promise<void> {
  const chunks = (answer.body ?? nothing())[Symbol.asyncIterator]();
  try {
    for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next()) {
      // Headers leave with the first chunk: until then the service may still set some.
      writeHeaders(answer, reply, life);
      for (let offset = 0; offset < chunk.value.byteLength; offset += slice_bytes) {
        await write(reply, chunk.value.subarray(offset, offset + slice_bytes), life, blocked_ms);
      }
    }
    writeHeaders(answer, reply, life);
    if (answer.trailer !== undefined) {
      reply.addTrailers(Object.fromEntries(rewriteMessage(answer.trailer)));
    }
    life.finish();
    writable(reply).end();
    endInTime(reply, blocked_ms);
    await life.closed;
  } catch (error) {
    // Not awaited: a source that is parked would not answer before it wakes.
    chunks.return?.()?.catch(() => {});
    breakOff(reply, error);
    throw error;
  }
}

function writeHeaders(answer: UniversalServerResponse, reply: HttpReply, life: Life): void {
  life.gone.throwIfAborted();
  if (!reply.headersSent) {
    setHeaders(reply, answer.header ?? new Headers());
    writable(reply).writeHead(answer.status);
  }
}

/** Resolves when there is room for the next chunk. */
function write(reply: HttpReply, bytes: Uint8Array, life: Life, blocked_ms: number): Promise<void> {
  life.gone.throwIfAborted();
  return writable(reply).write(bytes) ? Promise.resolve() : room(reply, life, blocked_ms);
}

/**
 * Resolves when the reader has made room; one that does not for `blocked_ms` is cut off.
 *
 * @throws {KillcordError} canceled when the reader has gone, overloaded when it was cut off
 */
export function room(reply: HttpReply, life: Life, blocked_ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      reply.off("drain", settle);
      life.gone.removeEventListener("abort", settle);
      if (life.gone.aborted) {
        reject(life.gone.reason);
      } else {
        resolve();
      }
    };
    const timer = setTimeout(() => life.cut(blocked(blocked_ms)), blocked_ms);
    reply.on("drain", settle);
    life.gone.addEventListener("abort", settle);
  });
}

/** Breaks a reply off that was ended but isn't taken by its reader in time. */
export function endInTime(reply: HttpReply, blocked_ms: number): void {
  const timer = setTimeout(() => breakOff(reply, blocked(blocked_ms)), blocked_ms);
  reply.once("close", () => clearTimeout(timer));
}

function blocked(blocked_ms: number): KillcordError {
  return new KillcordError("overloaded", `the reader took nothing for ${blocked_ms} ms and was cut off`);
}

/** Ends a reply in a way that no reader takes for its proper end. */
export function breakOff(reply: HttpReply, error: unknown): void {
  if (!("stream" in reply)) {
    reply.destroy();
    return;
  }
  const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR } = constants;
  const cut_off = error instanceof KillcordError && error.code === "overloaded";
  // gRPC clients read ENHANCE_YOUR_CALM as resource_exhausted: nothing else reaches a blocked reader.
  reply.stream.close(cut_off ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_INTERNAL_ERROR);
}

/** What both replies have of a stream; their overloads differ, so that the union can't be called. */
export function writable(
  reply: HttpReply,
): Pick<Writable, "write" | "end"> & { writeHead(status: number): unknown } {
  return reply;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
