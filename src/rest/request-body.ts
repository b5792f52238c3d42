/** Reads the body of a request, with a bound on its size, its inflated size and its time. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { KillcordError } from "../services/errors.js";
import { Gathering } from "../services/gathering.js";
import type { Share } from "../services/room.js";
import type { Incoming } from "./exchange.js";

/** How much a request may bring, and for how long. */
export interface BodyBounds {
  readonly request_body_bytes: number;
  readonly request_ms: number;
}

const inflate = promisify(gunzip);

/**
 * Reads the whole body. Where it refuses, the rest of the body is left unread.
 *
 * @throws {KillcordError} payload_too_large, unsupported_encoding, invalid_json (not gzip),
 *   deadline_exceeded (too slow), overloaded (no room), canceled (the caller has gone)
 */
export async function readBody(
  req: Incoming,
  bounds: BodyBounds,
  share: Pick<Share, "take">,
): Promise<Uint8Array> {
  const encoding = String(req.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new KillcordError("unsupported_encoding", "Content-Encoding must be identity or gzip");
  }
  if (Number(req.headers["content-length"] ?? 0) > bounds.request_body_bytes) {
    throw tooLarge(bounds);
  }
  const sent = await collect(req, bounds, share);
  if (encoding === "identity" || sent.length === 0) {
    return sent;
  }
  try {
    // The bound stops the inflation itself: a bomb never unfolds.
    const inflated = await inflate(sent, { maxOutputLength: bounds.request_body_bytes });
    share.take(inflated.length);
    return inflated;
  } catch (thrown) {
    if (thrown instanceof KillcordError) {
      throw thrown;
    }
    throw isTooLong(thrown)
      ? tooLarge(bounds)
      : new KillcordError("invalid_json", "the body is not gzip, as its Content-Encoding says", {
          cause: thrown,
        });
  }
}

function collect(req: Incoming, bounds: BodyBounds, share: Pick<Share, "take">): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const gathering = new Gathering();
    const timer = setTimeout(() => {
      refuse(new KillcordError("deadline_exceeded", "the body came too slowly; nothing was decided"));
    }, bounds.request_ms);

    function settle(): void {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
    }
    function refuse(error: unknown): void {
      settle();
      // Nothing more is taken in until the reply says what happens to the rest.
      req.pause();
      reject(error);
    }
    function onData(chunk: Buffer): void {
      if (gathering.length + chunk.length > bounds.request_body_bytes) {
        refuse(tooLarge(bounds));
        return;
      }
      try {
        share.take(chunk.length);
        gathering.add(chunk);
      } catch (error) {
        refuse(error);
      }
    }
    function onEnd(): void {
      settle();
      resolve(gathering.take());
    }
    function onGone(): void {
      refuse(new KillcordError("canceled", "the caller has gone"));
    }
    req.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

function tooLarge(bounds: BodyBounds): KillcordError {
  return new KillcordError("payload_too_large", `the body is larger than ${bounds.request_body_bytes} bytes`);
}

function isTooLong(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
}
