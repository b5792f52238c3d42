/** The messages of a stream, out of bytes that come cut anyhow: a byte of flags, four of length, the rest. */

export interface Envelope {
  readonly flags: number;
  readonly bytes: Uint8Array;
}

export class Envelopes {
  #rest: Buffer = Buffer.alloc(0);

  *take(piece: Buffer): Generator<Envelope> {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length >= 5 && this.#rest.length >= 5 + this.#rest.readUInt32BE(1)) {
      const end = 5 + this.#rest.readUInt32BE(1);
      const envelope = { flags: this.#rest[0] as number, bytes: this.#rest.subarray(5, end) };
      this.#rest = this.#rest.subarray(end);
      yield envelope;
    }
  }
}
