import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { growTree, rootAt } from "../../../src/vault/merkle.js";
import { node_crypto } from "../../../src/vault/node-crypto.js";
import { GrowingTree } from "../../../src/vault/verify/growing-tree.js";
import type { PieceChecker, PieceContext } from "../../../src/vault/verify/large.js";
import { verifyLarge } from "../../../src/vault/verify/large.js";
import { checkPiece } from "../../../src/vault/verify/piece.js";
import type { Report } from "../../../src/vault/verify/report.js";
import { verify } from "../../../src/vault/verify.js";
import { VerifyThreads } from "../../../src/vault/verify-threads.js";
import { bundleAt, bundles, logAt, pinned } from "./evidence.js";

type Log = ReadonlyMap<string, Uint8Array> | null;

/** Checks in this thread, three pieces ahead. */
function here(context: PieceContext): PieceChecker {
  const judging = context === null ? null : { ...context, crypto: node_crypto };
  return { ahead: 3, check: async (piece) => ({ piece, checked: checkPiece(piece, judging) }) };
}

function inPieces(
  bytes: Uint8Array,
  log: Log,
  trust: Uint8Array,
  piece_bytes: number,
  checkerOf = here,
): Promise<Report | null> {
  const bundle = {
    size: bytes.length,
    read: async (offset: number, length: number) => Uint8Array.from(bytes.subarray(offset, offset + length)),
  };
  const folder =
    log === null
      ? null
      : { paths: new Set(log.keys()), read: async (path: string) => log.get(path) as Uint8Array };
  const options = { trust_given: true, crypto: node_crypto, checkerOf, piece_bytes };
  return verifyLarge({ bundle, log: folder }, trust, options);
}

const whole = (bundle: Uint8Array, log: Log, trust: Uint8Array) =>
  verify({ bundle, log }, trust, { trust_given: true, crypto: node_crypto });

const folders = [
  ...readdirSync(bundles).filter((name) => name.startsWith("good")),
  ...readdirSync(join(bundles, "bad")).map((name) => join("bad", name)),
].map((name) => join(bundles, name));

describe("a bundle in pieces", () => {
  for (const piece_bytes of [1, 3000, 20_000, 1_000_000]) {
    it(`of ${piece_bytes} bytes is judged as one that is read whole, for every bundle of the vectors`, async () => {
      let in_pieces = 0;
      for (const folder of folders) {
        const bytes = bundleAt(folder);
        if (bytes === null || bytes.length === 0) {
          continue;
        }
        const log = logAt(folder);
        const { trust } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8"));
        const pins = existsSync(join(folder, trust)) ? readFileSync(join(folder, trust)) : pinned;
        const report = await inPieces(bytes, log, pins, piece_bytes);
        if (report !== null) {
          in_pieces++;
          expect(report, folder).to.deep.equal(whole(bytes, log, pins));
        }
      }
      expect(in_pieces).to.be.above(100);
    });
  }

  it("is judged by threads as by none", async () => {
    for (const name of ["good-operations", "bad/b-over-budget", "bad/swapped", "bad/float-spelling"]) {
      const folder = join(bundles, name);
      const bytes = bundleAt(folder) as Uint8Array;
      const log = logAt(folder);
      const opened: VerifyThreads[] = [];
      const report = await inPieces(bytes, log, pinned, 10_000, (context) => {
        const threads = new VerifyThreads(context, 2);
        opened.push(threads);
        return threads;
      });
      for (const threads of opened) {
        await threads.close();
      }
      expect(report, name).to.deep.equal(whole(bytes, log, pinned));
    }
  });

  it("is judged alike wherever a byte of it is changed", async () => {
    const bytes = bundleAt(join(bundles, "good-operations")) as Uint8Array;
    for (let i = 0; i < 40; i++) {
      const changed = Uint8Array.from(bytes);
      const place = (i * 7919) % bytes.length;
      changed[place] = (changed[place] as number) ^ (1 << (i % 8));
      const report = await inPieces(changed, null, pinned, 5000);
      if (report !== null) {
        expect(report, `byte ${place}`).to.deep.equal(whole(changed, null, pinned));
      }
    }
  });

  it("is left to the other reading when it is not a full one that begins as it should", async () => {
    const slice = bundleAt(join(bundles, "good-slice")) as Uint8Array;
    expect(await inPieces(slice, null, pinned, 5000)).to.equal(null);
    expect(await inPieces(Buffer.from("{}\n"), null, pinned, 5000)).to.equal(null);
    expect(await inPieces(Buffer.from("no newline"), null, pinned, 5000)).to.equal(null);
  });

  it("may hold a line that is far too long, and end anywhere", async () => {
    const good = Buffer.from(bundleAt(join(bundles, "good")) as Uint8Array);
    const third = good.indexOf("\n", good.indexOf("\n", good.indexOf("\n") + 1) + 1) + 1;
    const long = Buffer.alloc(70 * 1024 * 1024, "x");
    const changed = Buffer.concat([good.subarray(0, third), long, good.subarray(third)]);
    const report = await inPieces(changed, null, pinned, 5000);
    expect(report?.failures[0]?.why).to.equal(whole(changed, null, pinned).failures[0]?.why);
    for (const end of [good.length - 1, good.length - 2, good.length - 3, third, third - 1]) {
      const cut = good.subarray(0, end);
      expect(await inPieces(cut, null, pinned, 5000)).to.deep.equal(whole(cut, null, pinned));
    }
  });
});

describe("a tree that grows", () => {
  it("is the tree that is made at once, at every size", () => {
    const { sha256 } = node_crypto;
    const leaves = Uint8Array.from({ length: 3000 * 32 }, (_, i) => (i * 31) % 251);
    const tree = new GrowingTree(sha256);
    for (const [i, step] of [1, 1, 3, 0, 250, 1, 2044, 700].entries()) {
      const from = tree.size;
      tree.add(leaves.subarray(from * 32, (from + step) * 32));
      const expected = growTree(leaves.slice(0, tree.size * 32), sha256);
      expect(tree.size, `step ${i}`).to.equal(expected.size);
      for (const size of [0, 1, from, tree.size]) {
        expect(rootAt(tree, size, sha256)).to.deep.equal(rootAt(expected, size, sha256));
      }
      expect(tree.levels.filter((level) => level.length > 0)).to.deep.equal(
        expected.levels.filter((level) => level.length > 0),
      );
    }
  });
});
