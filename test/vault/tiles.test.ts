import { createHash } from "node:crypto";
import { expect } from "chai";
import { bytesOf } from "../../src/vault/encoding.js";
import { growTree, hash_bytes, leafHash, rootAt } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import {
  entryBundle,
  parseTilePath,
  type Tile,
  tile_width,
  tileBytes,
  tilePath,
  tilesOf,
} from "../../src/vault/tiles.js";
import { vector } from "../vectors.js";

const cases = vector<{
  readonly paths: readonly (Tile & { readonly path: string })[];
  readonly refuse: readonly { readonly path: string; readonly reason: string }[];
  readonly trees: readonly {
    readonly size: number;
    readonly root: string;
    readonly file_count: number;
    readonly sha256_of_names: string;
    readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  }[];
}>("vault/tiles.json");

const { sha256 } = node_crypto;
const hexHash = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const leaf = (i: number) => bytesOf(`leaf-${i}`);

/** The tree whose leaf i is the text `leaf-i`. */
function treeOf(size: number) {
  const leaves = new Uint8Array(size * hash_bytes);
  for (let i = 0; i < size; i++) {
    leaves.set(leafHash(leaf(i), sha256), i * hash_bytes);
  }
  return growTree(leaves, sha256);
}

describe("tiles", () => {
  it("lie at the paths of the vectors, and are read from them again", () => {
    for (const { path, level, index, width } of cases.paths) {
      expect(tilePath({ level, index, width })).to.equal(path);
      expect(parseTilePath(path), path).to.deep.equal({ level, index, width });
    }
  });

  for (const { path, reason } of cases.refuse) {
    it(`lie at no path like ${JSON.stringify(path)}: ${reason}`, () => {
      expect(parseTilePath(path)).to.equal(null);
    });
  }

  for (const { size, root, file_count, sha256_of_names, files } of cases.trees) {
    it(`are exactly ${file_count} files for a log of ${size}, with the right bytes`, () => {
      const tree = treeOf(size);
      expect(Buffer.from(rootAt(tree, size, sha256)).toString("hex")).to.equal(root);
      const paths = tilesOf(size).map(tilePath).sort();
      expect(paths).to.have.length(file_count);
      expect(hexHash(paths.map((path) => `${path}\n`).join(""))).to.equal(sha256_of_names);
      for (const { path, bytes, sha256: hash } of files) {
        const tile = parseTilePath(path) as Tile;
        const { level, index, width } = tile;
        const content =
          level === "entries"
            ? entryBundle(Array.from({ length: width }, (_, i) => leaf(index * tile_width + i)))
            : tileBytes(tree, level, index, width);
        expect(content, path).to.have.length(bytes);
        expect(hexHash(content), path).to.equal(hash);
      }
    });
  }
});
