import { expect } from "chai";
import { judge, pinned, verdictOf } from "./evidence.js";
import { keys, made, witnessKey } from "./made.js";

const trust = JSON.parse(pinned.toString()) as Readonly<Record<string, unknown>> & {
  readonly checkpoint_keys: readonly string[];
  readonly witnesses: readonly string[];
  readonly entry_roots: readonly string[];
};
const bundle = made([]);
const judgedBy = (file: string | Uint8Array) => verdictOf(judge(bundle, { trust: Buffer.from(file) }));
const without = (name: string) => Object.fromEntries(Object.entries(trust).filter(([key]) => key !== name));

describe("a trust file", () => {
  it("may be laid out in any way, and leave out what it may", () => {
    expect(judgedBy(JSON.stringify(trust))).to.equal("verified");
    expect(judgedBy(JSON.stringify(trust, null, 4))).to.equal("verified");
    expect(judgedBy(JSON.stringify(without("known_checkpoints")))).to.equal("verified");
    expect(judgedBy(JSON.stringify({ ...trust, tsa_roots: ["-----BEGIN CERTIFICATE-----"] }))).to.equal(
      "verified",
    );
  });

  it("may pin more than one root", () => {
    const entry_roots = [keys.entry_2.spki_base64, ...trust.entry_roots];
    expect(judgedBy(JSON.stringify({ ...trust, entry_roots }))).to.equal("verified");
  });

  const [ed25519 = "", p256 = ""] = trust.checkpoint_keys;
  const [witness = ""] = trust.witnesses;
  const unusable: Readonly<Record<string, object | string>> = {
    "that is no JSON": "{",
    "that is no object": "[]",
    "of another format": { ...trust, format: "killcord-trust/v2" },
    "without a member": without("witness_quorum"),
    "with a member that nobody knows, which may be a misspelt restriction": {
      ...trust,
      known_checkpoint: [],
    },
    "without any root": { ...trust, entry_roots: [] },
    "with a root that is no P-256 key": { ...trust, entry_roots: ["AAAA"] },
    "with a second root that is none": { ...trust, entry_roots: [...trust.entry_roots, "AAAA"] },
    "without a checkpoint key of type 0x01": { ...trust, checkpoint_keys: [p256] },
    "without a checkpoint key of type 0x02": { ...trust, checkpoint_keys: [ed25519] },
    "with a witness among the checkpoint keys": { ...trust, checkpoint_keys: [ed25519, p256, witness] },
    "with one key listed twice": { ...trust, checkpoint_keys: [ed25519, p256, p256] },
    "with one witness listed twice, to count twice": { ...trust, witnesses: [witness, witness] },
    "with a witness whose name would command a terminal": {
      ...trust,
      witnesses: [...trust.witnesses, witnessKey("a\u001bb", keys.witnesses[0] as never)],
      witness_quorum: 0,
    },
    "with a log's key among the witnesses": { ...trust, witnesses: [...trust.witnesses, ed25519] },
    "with a quorum above the number of witnesses": { ...trust, witness_quorum: 4 },
    "with a quorum that is no number": { ...trust, witness_quorum: "2" },
    "with a known root of 31 bytes": {
      ...trust,
      known_checkpoints: [{ size: 1, root: `${"A".repeat(40)}AA==` }],
    },
    "with a moment that is none": {
      ...trust,
      compromised_keys: [{ key_id: keys.entry_1.key_id, compromised_at: "2026-02-30T00:00:00.000Z" }],
    },
  };
  for (const [claim, file] of Object.entries(unusable)) {
    it(`${claim} gives no judgement`, () => {
      const text = typeof file === "string" ? file : JSON.stringify(file);
      const report = judge(bundle, { trust: Buffer.from(text) });
      expect(report).to.include({ exit: 2, code: "trust.unreadable" });
    });
  }

  it("that is not UTF-8, or is not there, gives no judgement", () => {
    expect(judgedBy(Buffer.from([0xff]))).to.equal("trust.unreadable");
    expect(judge(bundle, { trust: null })).to.include({ exit: 2, code: "trust.unreadable" });
  });

  it("comes first: a bundle that is not there either is not looked for", () => {
    expect(verdictOf(judge(null, { trust: null }))).to.equal("trust.unreadable");
    expect(verdictOf(judge(null))).to.equal("input.unreadable");
  });
});
