import { createHash } from "node:crypto";
import { expect } from "chai";
import { bytesOf } from "../../src/vault/encoding.js";
import { exportFiles, inPieces, NoEvidence, receiptOf, type Selection } from "../../src/vault/evidence.js";
import { checkInclusion, leafHash } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import type { Vault } from "../../src/vault/vault.js";
import { verify } from "../../src/vault/verify.js";
import { collect, failure } from "../journal/suite.js";
import { draft, drafts, openStored, published, removeScratch, scratchDirectory } from "./fixture.js";

/** The files of an export, each whole. */
async function filesOf(vault: Vault, selection: Selection): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { path, chunk } of inPieces(exportFiles(vault, selection), 1000)) {
    expect(chunk.length).to.be.within(1, 1000);
    files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), chunk]));
  }
  return files;
}

function judge(files: ReadonlyMap<string, Buffer>) {
  const log = [...files]
    .filter(([path]) => path.startsWith("log/"))
    .map(([path, bytes]) => [path.slice(4), bytes] as const);
  const evidence = { bundle: files.get("bundle.json") ?? null, log: log.length === 0 ? null : new Map(log) };
  return verify(evidence, files.get("trust.json") ?? null, { trust_given: true, crypto: node_crypto });
}

/** Entries that the verifier accepts. */
function notices(count: number) {
  const more = { session_id: null, session_index: null, body: {} };
  return drafts(count).map(({ content, details }) => ({ content: { ...content, ...more }, details }));
}

/** Something that is about a session. */
function about(session_id: string, index: number, cause: number | null = null) {
  const { content, details } = draft("kept");
  const more = {
    session_id,
    session_index: index,
    ...(cause === null ? {} : { cause: { event: "notice", sequence: cause } }),
  };
  return { content: { ...content, kind: "soft_limit", body: {}, ...more }, details };
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("an export", () => {
  afterEach(removeScratch);

  it("of the whole log is what the verifier accepts, with its static files, exactly to the checkpoint", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal(notices(299));
    const size = await published(vault);
    const files = await filesOf(vault, { size, session_id: null });
    expect([...files.keys()].sort()).to.deep.equal([
      "bundle.json",
      "log/checkpoint",
      "log/tile/0/000",
      "log/tile/0/001.p/44",
      "log/tile/1/000.p/1",
      "log/tile/entries/000",
      "log/tile/entries/001.p/44",
      "trust.json",
    ]);
    const report = judge(files);
    expect(report.failures).to.deep.equal([]);
    expect(report).to.include({ exit: 0, kind: "full", entries: 300, tree_size: 300, complete_to: 300 });
    await vault.close();
  });

  it("of an earlier checkpoint is the same bytes, however the log has grown since", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal(notices(99));
    const size = await published(vault);
    const before = await filesOf(vault, { size, session_id: null });
    await vault.seal(notices(400));
    await published(vault);
    const after = await filesOf(vault, { size, session_id: null });
    expect([...after].map(([path, bytes]) => [path, sha256(bytes)])).to.deep.equal(
      [...before].map(([path, bytes]) => [path, sha256(bytes)]),
    );
    expect(judge(after).exit).to.equal(0);
    await vault.close();
  });

  it("of one session has its entries, those that their causes name, and a proof for each", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal([
      draft("cause"),
      draft("no cause"),
      about("s1", 0),
      about("s2", 0),
      about("s1", 1, 1),
      about("s10", 0),
    ]);
    const size = await published(vault);
    const files = await filesOf(vault, { size, session_id: "s1" });
    expect([...files.keys()]).to.deep.equal(["trust.json", "bundle.json"]);
    const shown = JSON.parse(files.get("bundle.json")?.toString() ?? "");
    expect(shown).to.deep.include({ kind: "slice", selection: { session_id: "s1" }, entry_count: 3 });
    expect(shown.entries.map((entry: { sequence_number: number }) => entry.sequence_number)).to.deep.equal([
      1, 3, 5,
    ]);
    expect(Object.keys(shown.entries[0])).to.deep.equal(Object.keys(shown.entries[0]).sort());
    // What the entries say is made up, so the verifier's last stage has its doubts; those before have none.
    const codes = judge(files).failures.map(({ code }) => code);
    expect(codes.filter((code) => !/^(content|behaviour)\./.test(code))).to.deep.equal([]);
    expect(codes).not.to.be.empty;
    await vault.close();
  });

  it("is none of a size that no checkpoint has, nor of a session that is not there", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal([about("s1", 0)]);
    await published(vault);
    for (const selection of [
      { size: 7, session_id: null },
      { size: 2, session_id: "s2" },
      { size: 1, session_id: "s1" },
    ]) {
      expect(await failure(() => collect(exportFiles(vault, selection)))).to.be.instanceOf(NoEvidence);
    }
    await vault.close();
  });
});

describe("a receipt", () => {
  afterEach(removeScratch);

  it("shows by itself that its entry stands under the checkpoint", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal([draft("one", `{"_salt":"${"1".repeat(32)}"}`), ...drafts(4)]);
    await published(vault);
    const entry = (await vault.entry(1)) ?? expect.fail("an entry");
    const checkpoint = vault.publication.published ?? expect.fail("a checkpoint");
    const receipt = await receiptOf(vault, entry, checkpoint, "enf_000000000001");
    expect(receipt).to.include({ format: "killcord-receipt/v1", decision_id: "enf_000000000001" });
    expect(receipt.entry).to.deep.equal({ ...JSON.parse(entry.leaf), content: JSON.parse(entry.content) });
    const [head = "", note = ""] = receipt.proof.tlog_proof.split(/\n\n(.*)/s);
    const [format, extra = "", index, ...hashes] = head.split("\n");
    expect([format, index]).to.deep.equal(["c2sp.org/tlog-proof@v1", "index 1"]);
    const leaf = Buffer.from(extra.replace("extra ", ""), "base64");
    expect(leaf.toString()).to.equal(entry.leaf);
    expect(note).to.equal(checkpoint.note);
    const [, size, root = ""] = note.split("\n");
    const claim = {
      index: 1,
      size: Number(size),
      leaf_hash: leafHash(bytesOf(entry.leaf), node_crypto.sha256),
      root: Buffer.from(root, "base64"),
    };
    const proof = hashes.map((hash) => Buffer.from(hash, "base64"));
    expect(checkInclusion(claim, proof, node_crypto.sha256)).to.equal(true);
    await vault.close();
  });
});
