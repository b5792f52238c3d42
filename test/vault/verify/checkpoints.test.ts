import { expect } from "chai";
import { judge, pinned, verdictOf } from "./evidence.js";
import {
  at,
  bundleText,
  certified,
  checkpointOf,
  type Draft,
  decided,
  genesis,
  keys,
  made,
  operator,
  rootOf,
  seal,
  started,
  witnessKey,
} from "./made.js";

const [w1, w2, w3] = ["witness1.example.org/w", "witness2.example.org/w", "witness3.example.org/w"] as const;
const entries = seal([genesis, started("s"), decided("s", "allow", 1), decided("s", "allow", 2)]);
const both = (seconds: number) => [[w1, 0, at(seconds)] as const, [w2, 1, at(seconds)] as const];
const newest = checkpointOf(entries, both(10));
const prefix = entries.slice(0, 2);

const verdict = (header: object, trust: object = {}) =>
  verdictOf(
    judge(bundleText(entries, { checkpoint: newest, ...header }), {
      trust: Buffer.from(JSON.stringify({ ...(JSON.parse(pinned.toString()) as object), ...trust })),
    }),
  );

describe("a bundle's checkpoints", () => {
  it("tie the entries to a tree that others have seen", () => {
    const report = judge(bundleText(entries, { checkpoint: newest }));
    expect(report).to.include({
      exit: 0,
      tree_size: 4,
      root: Buffer.from(rootOf(entries)).toString("base64"),
    });
    expect(report.witnessed).to.deep.equal({ quorum: 2, by: [w1, w2] });
    expect(report.remarks.witness_times).to.deep.equal([at(10), at(10)]);
  });

  it("may be older ones too, which need no witnesses", () => {
    expect(verdict({ older_checkpoints: [checkpointOf(prefix)] })).to.equal("verified");
    expect(verdict({ older_checkpoints: [] })).to.equal("bundle.header");
  });

  it("are each held to the tree and to the pinned keys, also the older ones", () => {
    const older = (note: string) => verdict({ older_checkpoints: [checkpointOf(prefix), note] });
    expect(older(checkpointOf(prefix, [], { root: rootOf(entries) }))).to.equal("checkpoint.root");
    expect(older(checkpointOf(entries, [], { size: 5 }))).to.equal("checkpoint.root");
    expect(older(checkpointOf(prefix, [], { types: [1] }))).to.equal("checkpoint.missing_signature");
    expect(older(checkpointOf(prefix).replace("\n2\n", "\n3\n"))).to.equal("checkpoint.signature");
    expect(older("no note")).to.equal("checkpoint.syntax");
    expect(verdict({ checkpoint: checkpointOf(entries, both(1), { size: 3 }) })).to.equal("checkpoint.size");
  });

  it("count a witness once, whatever keys and lines it has", () => {
    const second = witnessKey(w1, keys.witnesses[1] as never);
    const twice = checkpointOf(entries, [
      [w1, 0, at(10)],
      [w1, 0, at(11)],
      [w1, 1, at(12)],
    ]);
    const trusted = JSON.parse(pinned.toString()) as { readonly witnesses: readonly string[] };
    const witnesses = [...trusted.witnesses.filter((key) => !key.startsWith(w2)), second];
    expect(verdict({ checkpoint: twice }, { witnesses })).to.equal("checkpoint.witness");
    const with_third = checkpointOf(entries, [
      [w1, 1, at(12)],
      [w3, 2, at(12)],
    ]);
    expect(verdict({ checkpoint: with_third }, { witnesses })).to.equal("verified");
  });

  it("may be dated as late as a number can be", () => {
    const never = checkpointOf(entries, [
      [w1, 0, at(10)] as const,
      [w2, 1, "+275760-09-13T00:00:00.000Z"] as const,
    ]);
    expect(verdict({ checkpoint: never })).to.equal("verified");
  });
});

describe("a lost key", () => {
  const lost = (seconds: number, key_id = keys.entry_1.key_id) => ({
    compromised_keys: [{ key_id, compromised_at: at(seconds) }],
  });

  it("is believed for what a quorum had seen before", () => {
    expect(verdict({}, lost(11))).to.equal("verified");
    expect(verdict({}, lost(10))).to.equal("entry.key_compromised 0");
    expect(verdict({}, lost(11, keys.entry_2.key_id))).to.equal("verified");
  });

  it("is believed up to the last checkpoint of that time, and not beyond", () => {
    const older_checkpoints = [checkpointOf(prefix, both(5))];
    expect(verdict({ older_checkpoints }, lost(6))).to.equal("entry.key_compromised 2");
    expect(verdict({ older_checkpoints: [checkpointOf(prefix, [[w1, 0, at(5)]])] }, lost(6))).to.equal(
      "entry.key_compromised 0",
    );
  });

  it("is believed for nothing where no witness is asked for", () => {
    expect(verdict({}, { ...lost(11), witness_quorum: 0 })).to.equal("entry.key_compromised 0");
  });

  it("is told of by the log itself as well, by the earliest moment", () => {
    const said = (seconds: number): Draft => ({
      event: "key_compromised",
      key_id: keys.entry_1.key_id,
      compromised_at: at(seconds),
      reason: "",
    });
    const told = seal([genesis, said(9), said(4)]);
    const checkpoint = checkpointOf(told, both(8));
    expect(verdictOf(judge(bundleText(told, { checkpoint })))).to.equal("entry.key_compromised 0");
  });
});

describe("the keys of a log", () => {
  const rotated = (more: object = {}): Draft => ({
    event: "key_rotated",
    actor: operator,
    purpose: "entry",
    entry_key: certified(keys.entry_2, 2),
    checkpoint_keys: null,
    previous_key_id: keys.entry_1.key_id,
    reason: "",
    ...more,
  });
  const listed = (key: typeof keys.entry_1, first_sequence: number) => {
    const { public_key: _key, ...stated } = certified(key, first_sequence);
    return { ...stated, public_key_pem: key.public_key_pem };
  };
  const [first] = (JSON.parse(made([])) as { signing_keys: readonly object[] }).signing_keys;
  const signing_keys = [first, listed(keys.entry_2, 2)];
  const of = (drafts: readonly Draft[]) => verdictOf(judge(made(drafts, { signing_keys })));

  it("change where the log says so", () => {
    expect(of([rotated(), started("s")])).to.equal("verified");
    expect(verdictOf(judge(made([rotated(), started("s")])))).to.equal("entry.unknown_key 2");
    expect(verdictOf(judge(made([], { signing_keys: signing_keys.toReversed() })))).to.equal("bundle.header");
  });

  it("are rotated away only if the log had them", () => {
    expect(of([rotated({ previous_key_id: keys.entry_2.key_id })])).to.equal("behaviour.unknown_reference 1");
    expect(of([rotated({ entry_key: null })])).to.equal("content.schema 1");
  });

  it("begin with the one that genesis names", () => {
    const begins = (more: object) => verdictOf(judge(bundleText(seal([{ ...genesis, ...more }]))));
    const stated = genesis.entry_key as object;
    expect(begins({})).to.equal("verified");
    const wrong: readonly object[] = [
      { entry_key: { ...stated, key_id: keys.entry_2.key_id } },
      { entry_key: { ...stated, public_key: keys.entry_2.spki_base64 } },
      { entry_key: { ...stated, backend: "kms" } },
      { entry_key: { ...stated, created_at: at(1) } },
      { entry_key: { ...stated, first_sequence: 1 } },
      { entry_key: { ...stated, root_key_id: keys.entry_1.key_id } },
      { entry_key: { ...stated, certificate: "AAAA" } },
      { entry_root_key_id: keys.entry_1.key_id },
      { workspace_id: "ws_other" },
      { checkpoint_keys: [witnessKey(w1, keys.witnesses[0] as never)] },
      { checkpoint_keys: ["none"] },
    ];
    for (const more of wrong) {
      expect(begins(more), JSON.stringify(more)).to.equal("behaviour.genesis 0");
    }
  });
});
