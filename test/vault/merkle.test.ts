import { expect } from "chai";
import { bytesOf } from "../../src/vault/encoding.js";
import {
  checkConsistency,
  checkInclusion,
  growTree,
  hash_bytes,
  leafHash,
  rootAt,
} from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { vector } from "../vectors.js";

const { sha256 } = node_crypto;

interface Inclusion {
  readonly kind: "inclusion";
  readonly reason?: string;
  readonly index: number;
  readonly size: number;
  readonly leaf_hash: string;
  readonly proof: readonly string[];
  readonly root: string;
}

interface Consistency {
  readonly kind: "consistency";
  readonly reason?: string;
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[];
}

const cases = vector<{
  readonly roots: readonly { readonly size: number; readonly root: string }[];
  readonly inclusion: readonly Inclusion[];
  readonly consistency: readonly Consistency[];
  readonly negative: readonly (Inclusion | Consistency)[];
}>("vault/merkle.json");

/** The tree whose leaf i is the text `leaf-i`, as all vectors have it. */
function treeOf(size: number) {
  const leaves = new Uint8Array(size * hash_bytes);
  for (let i = 0; i < size; i++) {
    leaves.set(leafHash(bytesOf(`leaf-${i}`), sha256), i * hash_bytes);
  }
  return growTree(leaves, sha256);
}

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

function isIncluded({ index, size, leaf_hash, root, proof }: Inclusion): boolean {
  const claim = { index, size, leaf_hash: hex(leaf_hash), root: hex(root) };
  return checkInclusion(claim, proof.map(hex), sha256);
}

function isConsistent({ size1, size2, root1, root2, proof }: Consistency): boolean {
  return checkConsistency({ size1, size2, root1: hex(root1), root2: hex(root2) }, proof.map(hex), sha256);
}

describe("the Merkle tree", () => {
  it("has the roots of the vectors, each also as an earlier size of a larger tree", () => {
    const largest = treeOf(Math.max(...cases.roots.map(({ size }) => size)));
    for (const { size, root } of cases.roots) {
      expect(Buffer.from(rootAt(treeOf(size), size, sha256)).toString("hex"), `of ${size}`).to.equal(root);
      expect(Buffer.from(rootAt(largest, size, sha256)).toString("hex"), `at ${size}`).to.equal(root);
    }
  });

  it("has no root at a size that it never had", () => {
    const tree = treeOf(3);
    for (const size of [4, -1, 1.5]) {
      expect(() => rootAt(tree, size, sha256)).to.throw(RangeError);
    }
  });

  it("finds a leaf by its proof", () => {
    expect(cases.inclusion).to.have.length.above(50);
    for (const proof of cases.inclusion) {
      expect(isIncluded(proof), `${proof.index} in ${proof.size}`).to.equal(true);
    }
  });

  it("finds an earlier tree in a later one by its proof", () => {
    expect(cases.consistency).to.have.length.above(50);
    for (const proof of cases.consistency) {
      expect(isConsistent(proof), `${proof.size1} in ${proof.size2}`).to.equal(true);
    }
  });

  for (const proof of cases.negative) {
    const place =
      proof.kind === "inclusion" ? `${proof.index}/${proof.size}` : `${proof.size1}/${proof.size2}`;
    it(`refuses ${proof.kind} with ${proof.reason} (${place})`, () => {
      expect(proof.kind === "inclusion" ? isIncluded(proof) : isConsistent(proof)).to.equal(false);
    });
  }
});
