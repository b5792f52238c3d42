import { createHash } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { bytesOf } from "../../src/vault/encoding.js";
import { node_files } from "../../src/vault/files.js";
import {
  checkConsistency,
  checkInclusion,
  growTree,
  hash_bytes,
  leafHash,
  rootAt,
} from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { Prover, type ReadTile } from "../../src/vault/prover.js";
import { StaticLog } from "../../src/vault/static-log.js";
import { parseTilePath, type Tile, tileBytes, tilePath, tilesOf } from "../../src/vault/tiles.js";
import { TreeEdge } from "../../src/vault/tree-edge.js";
import { TreeWriter } from "../../src/vault/tree-writer.js";
import { failure } from "../journal/suite.js";
import { vector } from "../vectors.js";
import { removeScratch, scratchDirectory } from "./fixture.js";

const { sha256 } = node_crypto;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const leaf = (i: number) => `leaf-${i}`;
const leafHashOf = (i: number) => leafHash(bytesOf(leaf(i)), sha256);

const merkle = vector<{
  readonly roots: readonly { readonly size: number; readonly root: string }[];
  readonly inclusion: readonly {
    readonly index: number;
    readonly size: number;
    readonly proof: readonly string[];
  }[];
  readonly consistency: readonly {
    readonly size1: number;
    readonly size2: number;
    readonly proof: readonly string[];
  }[];
}>("vault/merkle.json");

const { trees } = vector<{
  readonly trees: readonly {
    readonly size: number;
    readonly root: string;
    readonly file_count: number;
    readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  }[];
}>("vault/tiles.json");

const largest = Math.max(...trees.map(({ size }) => size), ...merkle.inclusion.map(({ size }) => size));
const whole = (() => {
  const leaves = new Uint8Array(largest * hash_bytes);
  for (let i = 0; i < largest; i++) {
    leaves.set(leafHashOf(i), i * hash_bytes);
  }
  return growTree(leaves, sha256);
})();

/** Tiles cut from a tree that is all in memory. */
const fromMemory: ReadTile = async (level, index, width) => tileBytes(whole, level, index, width);

function edgeAt(size: number): TreeEdge {
  const edge = new TreeEdge(sha256);
  for (let i = 0; i < size; i++) {
    edge.add(whole.levels[0]?.subarray(i * hash_bytes, (i + 1) * hash_bytes) as Uint8Array);
  }
  return edge;
}

function* leaves(from: number, to: number): Generator<string> {
  for (let i = from; i < to; i++) {
    yield leaf(i);
  }
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("the edge of a tree", () => {
  it("has the roots of the vectors", () => {
    for (const { size, root } of merkle.roots) {
      expect(hex(edgeAt(size).root()), `of ${size}`).to.equal(root);
    }
  });

  it("keeps at most 255 hashes a level, and is the same after it was kept and read again", () => {
    for (const size of [0, 1, 255, 256, 257, 65_535, 65_536, 65_793]) {
      const edge = edgeAt(size);
      const widths = edge.partial().map(({ hashes }) => hashes.length);
      expect(Math.max(0, ...widths), `of ${size}`).to.be.below(256);
      const again = TreeEdge.from(JSON.parse(JSON.stringify(edge.text())), sha256);
      expect(hex(again?.root() ?? expect.fail("an edge")), `of ${size}`).to.equal(
        hex(rootAt(whole, size, sha256)),
      );
    }
  });

  it("is not read from a text with a level too many, too few, or too short", () => {
    const { size, levels } = edgeAt(300).text();
    for (const wrong of [
      [...levels, "AAAA"],
      levels.slice(1),
      [levels[0] as string, ""],
      ["", levels[1] as string],
    ]) {
      expect(TreeEdge.from({ size, levels: wrong }, sha256)).to.equal(null);
    }
  });
});

describe("a prover", () => {
  it("makes the inclusion proofs of the vectors", async () => {
    for (const { index, size, proof } of merkle.inclusion) {
      const made = await new Prover(size, fromMemory, sha256).inclusion(index);
      expect(made.map(hex), `${index} in ${size}`).to.deep.equal(proof);
    }
  });

  it("makes the consistency proofs of the vectors", async () => {
    for (const { size1, size2, proof } of merkle.consistency) {
      const made = await new Prover(size2, fromMemory, sha256).consistency(size1);
      expect(made.map(hex), `${size1} in ${size2}`).to.deep.equal(proof);
    }
  });

  it("makes proofs that hold, across the edges of tiles", async () => {
    const sizes = [1, 2, 255, 256, 257, 511, 513, 65_536, 65_537, 66_000, largest];
    for (const size of sizes) {
      const prover = new Prover(size, fromMemory, sha256);
      const root = await prover.root();
      expect(hex(root)).to.equal(hex(rootAt(whole, size, sha256)));
      for (const index of [0, 1, 254, 255, 256, 65_535, 65_536, size - 2, size - 1].filter(
        (i) => i >= 0 && i < size,
      )) {
        const claim = { index, size, leaf_hash: leafHashOf(index), root };
        const proof = await prover.inclusion(index);
        expect(checkInclusion(claim, proof, sha256), `${index} in ${size}`).to.equal(true);
        expect(checkInclusion({ ...claim, index: index + 1 }, proof, sha256)).to.equal(false);
      }
      for (const size1 of sizes.filter((earlier) => earlier <= size)) {
        const claim = { size1, size2: size, root1: rootAt(whole, size1, sha256), root2: root };
        expect(
          checkConsistency(claim, await prover.consistency(size1), sha256),
          `${size1} in ${size}`,
        ).to.equal(true);
      }
    }
  });

  it("makes none for what the tree has not", async () => {
    const prover = new Prover(5, fromMemory, sha256);
    for (const ask of [
      () => prover.inclusion(5),
      () => prover.inclusion(-1),
      () => prover.consistency(6),
      () => prover.root(6),
    ]) {
      expect(await failure(ask)).to.be.instanceOf(RangeError);
    }
  });

  it("reads a few tiles, however long the log is", async () => {
    let reads = 0;
    const counted: ReadTile = (level, index, width) => {
      reads += 1;
      return fromMemory(level, index, width);
    };
    await new Prover(largest, counted, sha256).inclusion(12_345);
    expect(reads).to.be.within(1, 8);
  });
});

describe("the static log", () => {
  afterEach(removeScratch);

  for (const { size, file_count, files } of trees.filter((tree) => tree.size > 0)) {
    it(`of ${size} leaves has the ${file_count} files of the vectors, however it grew`, async () => {
      const log = new StaticLog(await scratchDirectory(), node_files);
      const writer = new TreeWriter(log, new TreeEdge(sha256), []);
      const half = Math.floor(size / 2);
      await writer.add(leaves(0, half));
      expect(hex(await writer.finish())).to.equal(hex(rootAt(whole, half, sha256)));
      await writer.add(leaves(half, size));
      expect(hex(await writer.finish())).to.equal(hex(rootAt(whole, size, sha256)));
      await writer.tidy();
      for (const tile of tilesOf(size)) {
        expect(await isThere(join(log.directory, tilePath(tile))), tilePath(tile)).to.equal(true);
      }
      for (const { path, sha256: hash } of files) {
        const bytes = await log.read(parseTilePath(path) as Tile);
        expect(
          createHash("sha256")
            .update(bytes as Uint8Array)
            .digest("hex"),
          path,
        ).to.equal(hash);
      }
    });
  }

  it("shows the partial tiles of earlier sizes also when the full ones have taken their place", async () => {
    const log = new StaticLog(await scratchDirectory(), node_files);
    const writer = new TreeWriter(log, new TreeEdge(sha256), []);
    const early = new Map<string, string>();
    await writer.add(leaves(0, 100));
    await writer.finish();
    for (const tile of tilesOf(100)) {
      early.set(tilePath(tile), hex((await log.read(tile)) as Uint8Array));
    }
    await writer.add(leaves(100, 300));
    await writer.finish();
    await writer.tidy();
    expect(await readdir(join(log.directory, "tile/0"))).to.have.members(["000", "001.p"]);
    for (const [path, bytes] of early) {
      expect(hex((await log.read(parseTilePath(path) as Tile)) as Uint8Array), path).to.equal(bytes);
    }
  });

  it("lets the event loop go on while many leaves are added", async () => {
    const writer = new TreeWriter(
      { write: async () => {}, forgetPartial: async () => {} },
      new TreeEdge(sha256),
      [],
    );
    let turns = 0;
    let added = false;
    const turn = () => {
      turns += 1;
      if (!added) {
        setImmediate(turn);
      }
    };
    turn();
    await writer.add(leaves(0, 10_000));
    added = true;
    expect(turns).to.be.at.least(10_000 / limits.leaves_added_at_once);
  });
});
