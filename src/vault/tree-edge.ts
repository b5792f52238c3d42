/**
 * The right edge of a tree that grows: of each level of tiles the hashes of the tile that is not full
 * yet. From it come the root and every tile, and it has at most 255 hashes a level, however many
 * leaves there are: the compact range of [0, size), kept in tiles.
 */
import { fromBase64, joinBytes, toBase64 } from "./encoding.js";
import { foldComplete, hash_bytes, nodeHash } from "./merkle.js";
import { tile_width } from "./tiles.js";
import type { VerifyCrypto } from "./verify-crypto.js";

type Sha256 = VerifyCrypto["sha256"];

/** A tile that is full now, or that is shown as far as it goes. */
export interface HashTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
}

/** An edge as JSON keeps it: the hashes of each level one after the other, base64. */
export interface EdgeText {
  readonly size: number;
  readonly levels: readonly string[];
}

export class TreeEdge {
  readonly #sha256: Sha256;
  #levels: Uint8Array[][] = [];
  #size = 0;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds the hash of the next leaf; gives the tiles that are full with it, from the lowest level up. */
  add(leaf_hash: Uint8Array): readonly HashTile[] {
    this.#size += 1;
    const full: HashTile[] = [];
    let hash = leaf_hash;
    let count = this.#size;
    for (let level = 0; ; level++) {
      const hashes = this.#levels[level] ?? [];
      this.#levels[level] = hashes;
      hashes.push(hash);
      if (hashes.length < tile_width) {
        return full;
      }
      this.#levels[level] = [];
      count /= tile_width;
      full.push({ level, index: count - 1, hashes });
      hash = foldComplete(hashes, this.#sha256);
    }
  }

  /** The tiles that are begun and not full. */
  partial(): readonly HashTile[] {
    return this.#levels.flatMap((hashes, level) => {
      const index = Math.floor(this.#size / tile_width ** (level + 1));
      return hashes.length === 0 ? [] : [{ level, index, hashes: [...hashes] }];
    });
  }

  /** The root of all leaves so far. */
  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (const hashes of this.#levels) {
      let end = hashes.length;
      for (let width = 1; end > 0; width *= 2) {
        // Each binary digit of the size is a complete subtree; the smallest is the rightmost.
        if (Math.floor(hashes.length / width) % 2 === 1) {
          const subtree = foldComplete(hashes.slice(end - width, end), this.#sha256);
          root = root === null ? subtree : nodeHash(subtree, root, this.#sha256);
          end -= width;
        }
      }
    }
    return root ?? this.#sha256(new Uint8Array(0));
  }

  /** The edge as it is now, to be kept. */
  text(): EdgeText {
    return { size: this.#size, levels: this.#levels.map((hashes) => toBase64(joinBytes(...hashes))) };
  }

  /** An edge that was kept, or null when the text is none. Only its root tells whether it is genuine. */
  static from(text: EdgeText, sha256: Sha256): TreeEdge | null {
    const edge = new TreeEdge(sha256);
    let left = text.size;
    for (const encoded of text.levels) {
      const bytes = fromBase64(encoded);
      const width = left % tile_width;
      if (bytes === null || bytes.length !== width * hash_bytes) {
        return null;
      }
      edge.#levels.push(
        Array.from({ length: width }, (_, i) => bytes.slice(i * hash_bytes, (i + 1) * hash_bytes)),
      );
      left = (left - width) / tile_width;
    }
    edge.#size = text.size;
    return left === 0 ? edge : null;
  }
}
