/**
 * The Merkle tree of RFC 6962: leaf = SHA-256(0x00 || leaf), node = SHA-256(0x01 || left || right).
 * Checks of proofs as in RFC 9162, 2.1.3.2 and 2.1.4.2 (vault-format.md, 6).
 */
import { joinBytes, sameBytes } from "./encoding.js";
import type { VerifyCrypto } from "./verify-crypto.js";

type Sha256 = VerifyCrypto["sha256"];

/** Bytes of a hash. */
export const hash_bytes = 32;

/** The hash of one leaf. */
export function leafHash(leaf: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(joinBytes(Uint8Array.of(0), leaf));
}

/** The hash of a node above two others. */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(joinBytes(Uint8Array.of(1), left, right));
}

/** The root of a complete subtree from the hashes of its leaves, or of nodes of one level: 2^k of them. */
export function foldComplete(hashes: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  let level = hashes;
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, i) =>
      nodeHash(level[2 * i] as Uint8Array, level[2 * i + 1] as Uint8Array, sha256),
    );
  }
  return level[0] as Uint8Array;
}

/**
 * All complete subtrees: `levels[k]` holds, one after the other, the hashes of the subtrees of 2^k
 * leaves. From these the root of every earlier size and every tile can be read.
 */
export interface HashTree {
  readonly size: number;
  readonly levels: readonly Uint8Array[];
}

/**
 * The tree over leaf hashes.
 *
 * @param leaves the leaf hashes, one after the other
 */
export function growTree(leaves: Uint8Array, sha256: Sha256): HashTree {
  const levels = [leaves];
  const pair = new Uint8Array(1 + 2 * hash_bytes);
  pair[0] = 1;
  let below = leaves;
  while (below.length >= 2 * hash_bytes) {
    const count = Math.floor(below.length / (2 * hash_bytes));
    const level = new Uint8Array(count * hash_bytes);
    for (let i = 0; i < count; i++) {
      pair.set(below.subarray(i * 2 * hash_bytes, (i + 1) * 2 * hash_bytes), 1);
      level.set(sha256(pair), i * hash_bytes);
    }
    levels.push(level);
    below = level;
  }
  return { size: leaves.length / hash_bytes, levels };
}

/**
 * The root of the first `size` leaves: the complete subtrees that the binary digits of the size name,
 * joined from the right.
 *
 * @throws {RangeError} when the tree has fewer leaves
 */
export function rootAt(tree: HashTree, size: number, sha256: Sha256): Uint8Array {
  if (!Number.isSafeInteger(size) || size < 0 || size > tree.size) {
    throw new RangeError(`a tree of ${tree.size} leaves has no root at ${size}`);
  }
  let root: Uint8Array | null = null;
  let end = size;
  for (const level of tree.levels) {
    // `end` counts the subtrees of this level; an odd one has no neighbour and joins what lies right of it.
    if (end % 2 === 1) {
      const subtree = level.subarray((end - 1) * hash_bytes, end * hash_bytes);
      root = root === null ? subtree : nodeHash(subtree, root, sha256);
    }
    end = Math.floor(end / 2);
  }
  return root === null ? sha256(new Uint8Array(0)) : root.slice();
}

/** Whether a proof shows that the leaf stands at `index` in the tree of that size and root. */
export function checkInclusion(
  claim: {
    readonly index: number;
    readonly size: number;
    readonly leaf_hash: Uint8Array;
    readonly root: Uint8Array;
  },
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  if (claim.index < 0 || claim.index >= claim.size || claim.leaf_hash.length !== hash_bytes) {
    return false;
  }
  let node = claim.index;
  let last = claim.size - 1;
  let hash = claim.leaf_hash;
  for (const sibling of proof) {
    if (last === 0 || sibling.length !== hash_bytes) {
      return false;
    }
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash, sha256);
      // Up past the levels where this node is the last one and has no sibling.
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && sameBytes(hash, claim.root);
}

/** Whether a proof shows that the smaller tree is a prefix of the larger one. */
export function checkConsistency(
  claim: {
    readonly size1: number;
    readonly size2: number;
    readonly root1: Uint8Array;
    readonly root2: Uint8Array;
  },
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  const { size1, size2, root1, root2 } = claim;
  if (size1 < 0 || size1 > size2 || proof.some((hash) => hash.length !== hash_bytes)) {
    return false;
  }
  if (size1 === size2) {
    return proof.length === 0 && sameBytes(root1, root2);
  }
  if (size1 === 0) {
    return proof.length === 0 && sameBytes(root1, sha256(new Uint8Array(0)));
  }
  let node = size1 - 1;
  let last = size2 - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  // A first size that is a power of two is a complete subtree, so its root starts the climb itself.
  const hashes = node === 0 ? [root1, ...proof] : proof;
  const start = hashes[0];
  if (start === undefined) {
    return false;
  }
  return climb({ node, last, start, steps: hashes.slice(1), root1, root2 }, sha256);
}

function climb(
  from: {
    node: number;
    last: number;
    readonly start: Uint8Array;
    readonly steps: readonly Uint8Array[];
    readonly root1: Uint8Array;
    readonly root2: Uint8Array;
  },
  sha256: Sha256,
): boolean {
  let { node, last } = from;
  let first = from.start;
  let second = from.start;
  for (const step of from.steps) {
    if (last === 0) {
      return false;
    }
    if (node % 2 === 1 || node === last) {
      first = nodeHash(step, first, sha256);
      second = nodeHash(step, second, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      second = nodeHash(second, step, sha256);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && sameBytes(first, from.root1) && sameBytes(second, from.root2);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
