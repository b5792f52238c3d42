/** A tree that leaves are added to, as they are read (vault-format.md, 6). */
import { type HashTree, hash_bytes } from "../merkle.js";
import type { VerifyCrypto } from "../verify-crypto.js";

/** Hashes of one level, in a buffer with room for more. */
interface Level {
  buffer: Uint8Array;
  count: number;
}

const hashes_at_first = 1024;

export class GrowingTree implements HashTree {
  readonly #sha256: VerifyCrypto["sha256"];
  readonly #levels: Level[] = [];
  readonly #pair = new Uint8Array(1 + 2 * hash_bytes);

  constructor(sha256: VerifyCrypto["sha256"]) {
    this.#sha256 = sha256;
    this.#pair[0] = 1;
  }

  get size(): number {
    return this.#levels[0]?.count ?? 0;
  }

  /** The complete subtrees so far, as of now. */
  get levels(): readonly Uint8Array[] {
    return this.#levels.map(({ buffer, count }) => buffer.subarray(0, count * hash_bytes));
  }

  /** @param leaves leaf hashes, one after the other */
  add(leaves: Uint8Array): void {
    this.#append(0, leaves);
    for (let level = 0; level < this.#levels.length; level++) {
      const { buffer, count } = this.#levels[level] as Level;
      const done = this.#levels[level + 1]?.count ?? 0;
      const pairs = Math.floor(count / 2) - done;
      if (pairs === 0) {
        return;
      }
      const above = new Uint8Array(pairs * hash_bytes);
      for (let i = 0; i < pairs; i++) {
        const start = (done + i) * 2 * hash_bytes;
        this.#pair.set(buffer.subarray(start, start + 2 * hash_bytes), 1);
        above.set(this.#sha256(this.#pair), i * hash_bytes);
      }
      this.#append(level + 1, above);
    }
  }

  #append(level: number, hashes: Uint8Array): void {
    this.#levels[level] ??= { buffer: new Uint8Array(hashes_at_first * hash_bytes), count: 0 };
    const at = this.#levels[level];
    const needed = at.count * hash_bytes + hashes.length;
    if (needed > at.buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * at.buffer.length));
      larger.set(at.buffer.subarray(0, at.count * hash_bytes));
      at.buffer = larger;
    }
    at.buffer.set(hashes, at.count * hash_bytes);
    at.count += hashes.length / hash_bytes;
  }
}
