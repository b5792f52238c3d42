import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { canonical } from "../../../src/vault/canonical.js";
import { formatReport } from "../../../src/vault/verify/words.js";
import { bundles, judge, logAt, pinned, verdictOf } from "./evidence.js";
import { decided, made, started } from "./made.js";

const folder = join(bundles, "good-operations");
const text = readFileSync(join(folder, "bundle.json"), "latin1");

/** The bundle with other members of the header; undefined takes one away. */
function withHeader(members: Readonly<Record<string, unknown>>): string {
  const end = text.indexOf(',"entries":[\n');
  const header = { ...(JSON.parse(`${text.slice(0, end)}}`) as object), ...members };
  const kept = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
  return canonical(kept, text.length).slice(0, -1) + text.slice(end);
}

const trustWith = (members: object) =>
  Buffer.from(JSON.stringify({ ...(JSON.parse(pinned.toString()) as object), ...members }));

describe("a log that has no checkpoints yet", () => {
  // Without the cosignatures nobody vouches for what a lost key signed, so this log has no such key.
  const early = made([started("s"), decided("s", "allow", 1)]);

  it("verifies without a tree, and says so", () => {
    const report = judge(early);
    expect(report).to.include({ exit: 0, tree_size: null, root: null, authentic: true, complete_to: 3 });
    expect(report.witnessed).to.deep.equal({ quorum: 2, by: [] });
    expect(formatReport(report)).to.contain("\ntree: not yet\nwitnessed: no");
  });

  it("is still held to its chain, its signatures and its behaviour", () => {
    expect(verdictOf(judge(made([started("s"), decided("s", "allow", 2)])))).to.equal(
      "behaviour.count_mismatch 2",
    );
    expect(verdictOf(judge(early.replace('"action_type":"step"', '"action_type":"stop"')))).to.equal(
      "entry.content_hash 2",
    );
  });

  it("is compared with what the auditor saw before", () => {
    const root = Buffer.alloc(32, 1).toString("base64");
    expect(
      verdictOf(judge(early, { trust: trustWith({ known_checkpoints: [{ size: 4, root }] }) })),
    ).to.equal("checkpoint.rollback");
    expect(
      verdictOf(judge(early, { trust: trustWith({ known_checkpoints: [{ size: 3, root }] }) })),
    ).to.equal("checkpoint.fork");
  });

  it("has no past checkpoints either", () => {
    expect(verdictOf(judge(withHeader({ checkpoint: null })))).to.equal("bundle.header");
  });

  it("is what a good bundle becomes without its checkpoint, and a lost key has no witness then", () => {
    const plain = readFileSync(join(bundles, "good/bundle.json"), "latin1");
    const bare = plain.replace(/"checkpoint":"(?:[^"\\]|\\.)*"/, '"checkpoint":null');
    expect(judge(bare)).to.include({ exit: 0, entries: 46, complete_to: 46, tree_size: null });
    // The tree's files have nothing to be compared with.
    expect(judge(bare, { log: logAt(join(bundles, "good")) }).exit).to.equal(0);
    const lost = withHeader({ checkpoint: null, older_checkpoints: undefined });
    expect(verdictOf(judge(lost))).to.equal("entry.key_compromised 0");
  });
});
