import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { bundles, judge, logAt, pinned, verdictOf } from "./evidence.js";
import { decided, made, started } from "./made.js";

const trustWith = (members: object) =>
  Buffer.from(JSON.stringify({ ...(JSON.parse(pinned.toString()) as object), ...members }));

describe("a bundle without a checkpoint", () => {
  const note = /"checkpoint":"(?:[^"\\]|\\.)*"/;

  for (const name of ["good", "good-operations", "good-slice"]) {
    it(`is refused, so that nobody cuts the tree off to hide what it would show: ${name}`, () => {
      const plain = readFileSync(join(bundles, name, "bundle.json"), "latin1");
      const log = name === "good" ? { log: logAt(join(bundles, name)) } : {};
      expect(judge(plain, log)).to.include({ exit: 0 });
      const bare = plain.replace(note, '"checkpoint":null');
      expect(bare).not.to.equal(plain);
      expect(verdictOf(judge(bare, log))).to.equal("bundle.header");
    });
  }
});

describe("a whole log", () => {
  const log = made([started("s"), decided("s", "allow", 1)]);

  it("is compared with what the auditor saw before", () => {
    const root = Buffer.alloc(32, 1).toString("base64");
    const known = (size: number) => trustWith({ known_checkpoints: [{ size, root }] });
    expect(verdictOf(judge(log, { trust: known(4) }))).to.equal("checkpoint.rollback");
    expect(verdictOf(judge(log, { trust: known(3) }))).to.equal("checkpoint.fork");
  });

  it("is held to its chain, its signatures and its behaviour, though its tree is good", () => {
    expect(verdictOf(judge(made([started("s"), decided("s", "allow", 2)])))).to.equal(
      "behaviour.count_mismatch 2",
    );
    expect(verdictOf(judge(log.replace('"action_type":"step"', '"action_type":"stop"')))).to.equal(
      "entry.content_hash 2",
    );
  });
});
