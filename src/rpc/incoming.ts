/** Reads the messages of a client-streaming or bidi call, one after the other, as they are asked for. */
import { KillcordError } from "../services/errors.js";
import { type Envelope, EnvelopeSplitter, enveloped } from "./envelope.js";
import type { HttpReply, HttpRequest } from "./http.js";

/** What one such request may take up; a part of limits.ts. */
export interface IncomingBounds {
  /** Of one message. */
  readonly request_body_bytes: number;
  /** From the first byte of a message to its last. */
  readonly request_ms: number;
  /** Received and not asked for: above it nothing more is read, so that the sender has to wait. */
  readonly stream_read_ahead_bytes: number;
}

/** The messages of a request, from the moment on when this is made. */
export class Incoming {
  readonly #request: HttpRequest;
  readonly #bounds: IncomingBounds;
  readonly #splitter: EnvelopeSplitter;
  /** Null is the proper end of the request. */
  #ended: { readonly error: unknown } | null = null;
  #wake = () => {};
  #slow: NodeJS.Timeout | undefined;

  constructor(request: HttpRequest, reply: HttpReply, bounds: IncomingBounds, signal: AbortSignal) {
    this.#request = request;
    this.#bounds = bounds;
    this.#splitter = new EnvelopeSplitter(bounds.request_body_bytes);
    const abort = () => this.#end(signal.reason);
    signal.addEventListener("abort", abort);
    request
      .on("data", (piece: Buffer) => {
        // Once the reply is complete, remains.ts makes what still comes flow past here.
        if (this.#ended === null && !reply.writableEnded) {
          this.#take(piece);
        }
      })
      .on("end", () => this.#end(null))
      .on("error", () => this.#end(gone()))
      .on("close", () => {
        signal.removeEventListener("abort", abort);
        this.#end(gone());
      });
    if (signal.aborted) {
      abort();
    }
  }

  /**
   * The next message; null when the caller has said that there are no more. One call at a time.
   * Messages that came whole before an error are given out before it is thrown; then nothing follows.
   *
   * @throws {KillcordError} payload_too_large as soon as the length of a message says so, invalid_argument
   *   when the request ends within one, deadline_exceeded when one does not come whole in time, canceled
   *   when the caller goes away; and the reason of the signal
   */
  async next(): Promise<Envelope | null> {
    try {
      for (;;) {
        const envelope = this.#splitter.shift();
        if (envelope !== null) {
          return envelope;
        }
        if (this.#ended !== null) {
          return this.#last(this.#ended.error);
        }
        await this.#more();
      }
    } catch (error) {
      this.#ended = { error };
      throw error;
    } finally {
      clearTimeout(this.#slow);
      this.#slow = undefined;
    }
  }

  #take(piece: Buffer): void {
    this.#splitter.push(piece);
    if (this.#splitter.bytes > this.#bounds.stream_read_ahead_bytes) {
      this.#request.pause();
    }
    this.#wake();
  }

  #end(error: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }

  #last(error: unknown): null {
    if (error !== null) {
      throw error;
    }
    this.#splitter.end();
    return null;
  }

  /** Waits for bytes or the end; a message that was begun may not take for ever. */
  #more(): Promise<void> {
    const { request_ms } = this.#bounds;
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#splitter.bytes > 0) {
        this.#slow ??= setTimeout(() => this.#end(tooSlow(request_ms)), request_ms);
      }
      this.#request.resume();
    });
  }
}

/** The same messages as bytes again, for the protocol library: each piece is whole. */
export async function* framed(incoming: Incoming): AsyncGenerator<Uint8Array, void, undefined> {
  for (let each = await incoming.next(); each !== null; each = await incoming.next()) {
    yield enveloped(each.flags, each.data);
  }
}

function gone(): KillcordError {
  return new KillcordError("canceled", "the caller went away while it sent its request");
}

function tooSlow(request_ms: number): KillcordError {
  const text = `a message that was begun did not come whole within ${request_ms} ms: send each in one go`;
  return new KillcordError("deadline_exceeded", text);
}
