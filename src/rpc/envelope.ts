/**
 * Messages of a streaming request as they travel, in gRPC and in streaming Connect alike: a byte of
 * flags, four bytes of length, the message (https://connectrpc.com/docs/protocol#streaming-rpcs).
 */
import { KillcordError } from "../services/errors.js";
import { tooLarge } from "./error.js";

/** Bytes before each message. */
const head_bytes = 5;

/** The flag of a message that is compressed. */
export const compressed_flag = 0b00000001;

/** One message, still encoded. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The bytes of an envelope. */
export function enveloped(flags: number, data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(head_bytes + data.byteLength);
  bytes.writeUInt8(flags, 0);
  bytes.writeUInt32BE(data.byteLength, 1);
  bytes.set(data, head_bytes);
  return bytes;
}

/** Cuts what comes in pieces of any size into envelopes. Holds at most one message beside the last piece. */
export class EnvelopeSplitter {
  readonly #message_bytes_max: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** @param message_bytes_max of one message; a longer one is refused when its length is known */
  constructor(message_bytes_max: number) {
    this.#message_bytes_max = message_bytes_max;
  }

  /** Bytes that are held and not yet given out. */
  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
  }

  /**
   * The next whole envelope, or null while it has not come.
   *
   * @throws {KillcordError} payload_too_large
   */
  shift(): Envelope | null {
    if (this.#bytes < head_bytes) {
      return null;
    }
    const head = this.#front(head_bytes);
    const length = head.readUInt32BE(1);
    if (length > this.#message_bytes_max) {
      throw tooLarge(this.#message_bytes_max);
    }
    if (this.#bytes < head_bytes + length) {
      return null;
    }
    const whole = this.#front(head_bytes + length);
    this.#drop(whole.byteLength);
    return { flags: whole.readUInt8(0), data: whole.subarray(head_bytes) };
  }

  /** @throws {KillcordError} invalid_argument when the last message is not whole */
  end(): void {
    if (this.#bytes > 0) {
      throw new KillcordError(
        "invalid_argument",
        "the request ends within a message: use a generated client or check the frames",
      );
    }
  }

  /** The first bytes in one piece; they are joined only where a message lies across pieces. */
  #front(bytes: number): Buffer {
    let first = this.#pieces[0] as Buffer;
    if (first.byteLength < bytes) {
      // Only as many pieces as it takes: a long tail is not copied for each message in it.
      let count = 0;
      for (let sum = 0; sum < bytes; count++) {
        sum += (this.#pieces[count] as Buffer).byteLength;
      }
      first = Buffer.concat(this.#pieces.slice(0, count));
      this.#pieces.splice(0, count, first);
    }
    return first.byteLength === bytes ? first : first.subarray(0, bytes);
  }

  #drop(bytes: number): void {
    this.#bytes -= bytes;
    const first = this.#pieces[0] as Buffer;
    if (first.byteLength === bytes) {
      this.#pieces.shift();
    } else {
      this.#pieces[0] = first.subarray(bytes);
    }
  }
}
