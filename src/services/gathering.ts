/** Puts together bytes that come in pieces. */

const bytes_min = 4096;

/**
 * Bytes that grow as they come. However small the pieces are, this takes at most about twice the
 * memory of what came: a megabyte kept as a list of one-byte chunks would take hundreds.
 */
export class Gathering {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.byteLength;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length, bytes_min));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** What has been gathered so far, as a view. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length) as Uint8Array<ArrayBuffer>;
  }
}
