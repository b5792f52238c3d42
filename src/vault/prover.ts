/**
 * Proofs made from tiles (RFC 9162, 2.1.3.1 and 2.1.4.1): a few files are read for each, and none of
 * it depends on how long the log is.
 */
import { foldComplete, hash_bytes, nodeHash } from "./merkle.js";
import { tile_width } from "./tiles.js";
import type { VerifyCrypto } from "./verify-crypto.js";

/** Gives the hashes of a tile: `width` of them, one after the other. */
export type ReadTile = (level: number, index: number, width: number) => Promise<Uint8Array>;

/** Tiles that are kept between two proofs: 8 KiB each. */
const tiles_kept = 64;

/** A tree of a fixed size, whose proofs are asked for. */
export class Prover {
  readonly size: number;
  readonly #read: ReadTile;
  readonly #sha256: VerifyCrypto["sha256"];
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(size: number, read: ReadTile, sha256: VerifyCrypto["sha256"]) {
    this.size = size;
    this.#read = read;
    this.#sha256 = sha256;
  }

  /** The root of the first leaves; of all when no size is given. */
  async root(size = this.size): Promise<Uint8Array> {
    this.#demand(size >= 0 && size <= this.size, `a root at ${size}`);
    return size === 0 ? this.#sha256(new Uint8Array(0)) : this.#range(0, size);
  }

  /** Shows that a leaf stands at `index`: the hashes from the leaf to the root. */
  async inclusion(index: number): Promise<readonly Uint8Array[]> {
    this.#demand(index >= 0 && index < this.size, `a leaf at ${index}`);
    const proof: Uint8Array[] = [];
    // From the root down, so that the nearest hash comes last.
    for (let [low, high] = [0, this.size]; high - low > 1; ) {
      const middle = low + splitOf(high - low);
      if (index < middle) {
        proof.push(await this.#range(middle, high));
        high = middle;
      } else {
        proof.push(await this.#range(low, middle));
        low = middle;
      }
    }
    return proof.reverse();
  }

  /** Shows that the tree of `size` leaves is a prefix of this one. */
  async consistency(size: number): Promise<readonly Uint8Array[]> {
    this.#demand(size >= 0 && size <= this.size, `a proof from ${size}`);
    if (size === 0 || size === this.size) {
      return [];
    }
    const proof: Uint8Array[] = [];
    let [low, high] = [0, this.size];
    while (size !== high) {
      const middle = low + splitOf(high - low);
      if (size <= middle) {
        proof.push(await this.#range(middle, high));
        high = middle;
      } else {
        proof.push(await this.#range(low, middle));
        low = middle;
      }
    }
    // A first tree that is complete in itself is known to whoever knows its root.
    if (low > 0) {
      proof.push(await this.#range(low, high));
    }
    return proof.reverse();
  }

  #demand(possible: boolean, what: string): void {
    if (!possible) {
      throw new RangeError(`a tree of ${this.size} leaves has not ${what}`);
    }
  }

  /** The root of the leaves from `low` to before `high`. */
  async #range(low: number, high: number): Promise<Uint8Array> {
    const width = high - low;
    if (Number.isInteger(Math.log2(width)) && low % width === 0) {
      return this.#complete(low, width);
    }
    const middle = low + splitOf(width);
    return nodeHash(await this.#range(low, middle), await this.#range(middle, high), this.#sha256);
  }

  /** The root of a complete subtree: 2^k leaves, beginning at a multiple of it. */
  async #complete(low: number, width: number): Promise<Uint8Array> {
    let level = 0;
    let [first, count] = [low, width];
    while (count >= tile_width) {
      level += 1;
      first /= tile_width;
      count /= tile_width;
    }
    const index = Math.floor(first / tile_width);
    const tile = await this.#tile(level, index);
    const from = first - index * tile_width;
    const hashes = Array.from({ length: count }, (_, i) =>
      tile.slice((from + i) * hash_bytes, (from + i + 1) * hash_bytes),
    );
    return foldComplete(hashes, this.#sha256);
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const name = `${level}/${index}`;
    const known = this.#tiles.get(name);
    if (known !== undefined) {
      return known;
    }
    const width = Math.min(tile_width, Math.floor(this.size / tile_width ** level) - index * tile_width);
    const tile = this.#read(level, index, width);
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size < tiles_kept) {
        break;
      }
      this.#tiles.delete(oldest);
    }
    this.#tiles.set(name, tile);
    return tile;
  }
}

/** The largest power of two below a number of leaves, which is at least 2. */
function splitOf(leaves: number): number {
  let power = 1;
  while (power * 2 < leaves) {
    power *= 2;
  }
  return power;
}
