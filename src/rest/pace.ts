/** Writes replies at the pace of their readers, and cuts those off that take nothing. */
import { constants } from "node:http2";
import { KillcordError } from "../services/errors.js";
import { isGone, type Outgoing } from "./exchange.js";

/** One write of a long reply: a reader that takes this much in time is slow, not blocked. */
const slice_bytes = 16 * 1024;

/**
 * Resolves when there is room for the next write.
 *
 * @throws {KillcordError} overloaded when there was none for `blocked_ms`, and the reader is cut off;
 *   canceled when it has gone
 */
export function write(res: Outgoing, chunk: string | Uint8Array, blocked_ms: number): Promise<void> {
  if (isGone(res)) {
    return Promise.reject(gone());
  }
  if (writable(res).write(chunk)) {
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const settle = (error: KillcordError | null) => {
      clearTimeout(timer);
      res.off("drain", onDrain).off("close", onClose);
      if (error === null) {
        resolve();
      } else {
        reject(error);
      }
    };
    const onDrain = () => settle(null);
    const onClose = () => settle(gone());
    const timer = setTimeout(() => {
      const text = `the reader took nothing for ${blocked_ms} ms and was cut off`;
      cutOff(res);
      settle(new KillcordError("overloaded", text));
    }, blocked_ms);
    res.on("drain", onDrain).on("close", onClose);
  });
}

/** Ends a reply; one that is not taken to its end in time is broken off. */
export function end(res: Outgoing, blocked_ms: number): void {
  const timer = setTimeout(() => cutOff(res), blocked_ms);
  res.once("close", () => clearTimeout(timer));
  res.end();
}

/** Sends a whole body. Never rejects: there is nobody left to tell. */
export async function sendBody(res: Outgoing, body: Uint8Array, blocked_ms: number): Promise<void> {
  try {
    for (let offset = 0; offset < body.byteLength; offset += slice_bytes) {
      await write(res, body.subarray(offset, offset + slice_bytes), blocked_ms);
    }
    end(res, blocked_ms);
  } catch {
    cutOff(res);
  }
}

/** Ends a reply in a way that no reader takes for its proper end. */
function cutOff(res: Outgoing): void {
  if ("stream" in res) {
    res.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  } else {
    res.destroy();
  }
}

/** What both replies have of a stream; their overloads differ, so that the union can't be called. */
export function writable(res: Outgoing): { write(chunk: string | Uint8Array): boolean } {
  return res;
}

function gone(): KillcordError {
  return new KillcordError("canceled", "the caller has gone");
}
