import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { verifyPath } from "../../src/cli/verify.js";
import { vector } from "../vectors.js";

interface Proof {
  readonly proof: { readonly tlog_proof: string };
}

const bundles = "test/vectors/vault/bundles";
const pinned = join(bundles, "trust.json");
const plain = { require_trust: false, json: false };

describe("killcord verify", () => {
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "killcord-verify-"));
    cpSync(join(bundles, "good"), folder, { recursive: true });
    cpSync(pinned, join(folder, "trust.json"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("says first that it took the export's own word, with the fingerprints of its keys", async () => {
    const { text, exit } = await verifyPath(folder, plain);
    const [first = "", second] = text.split("\n");
    expect(first).to.contain("trust is the export's own word").and.to.contain("not pinned");
    // SHA-256 of the root's SPKI; its first digits are its key id.
    expect(first).to.match(/entry root sha256:15a4d903057af591[0-9a-f]{48},/);
    expect(first.match(/(?:checkpoint key|witness witness[123]\S*) sha256:[0-9a-f]{64}/g)).to.have.length(5);
    expect([second, exit]).to.deep.equal(["VERIFIED", 0]);
  });

  it("prints what the evidence shows when the keys are pinned", async () => {
    const { text, exit } = await verifyPath(folder, { ...plain, trust: pinned });
    expect(exit).to.equal(0);
    expect(text).to.equal(
      [
        "trust is given, its keys are pinned",
        "VERIFIED",
        "origin: vault.example.com/acme",
        "authentic: 46 entries signed by vsk_f5c354ae75a0b3fd, certified by vsk_15a4d903057af591",
        "complete to 46: nothing is missing below, nothing is said of later",
        "tree: 46 entries, root xl+Ck1oGsSH0YuNTGLS7Dak1iCTffeoVbES22W5zQSI=",
        "witnessed: 2 of 3 (2 demanded): witness1.example.org/w at 2026-11-22T17:00:43.000Z, witness2.example.org/w at 2026-11-22T17:00:44.000Z",
        "timestamped: not checked",
        "erased: nothing",
        "sessions: 4 killed, 1 expired, 1 ended",
        "rules: kept: nothing was allowed after a stop, no count passed its budget, every stop names its cause, and every order stopped what it had to",
        "not shown: that the witnesses were independent of the operator: their names are in trust.json",
        "not shown: what came after entry 45",
        "not shown: when things happened, other than by the server's clock: no timestamps were checked",
        "not shown: that every decision was sealed: one that never was is missed only by who holds a receipt or a record of it",
      ].join("\n"),
    );
  });

  it("tells of erased entries, of slices and of a history that nobody witnessed", async () => {
    const told = async (name: string, trust = pinned) =>
      (await verifyPath(join(bundles, name), { ...plain, trust })).text;
    expect(await told("good-operations")).to.contain("\nerased: entry 6, authorised by entry 72\n");
    expect(await told("good-slice")).to.contain(
      '\ncomplete to: "sess_50a2b6b6ecd15be4bcc25670" from session_index 0 to 4, where it was killed;',
    );
    expect(await told("good-slice-open")).to.contain("from session_index 0 to 1, where it had not ended;");
    expect(await told("good-unwitnessed", join(bundles, "good-unwitnessed/trust.json"))).to.contain(
      "\nwitnessed: no: nobody outside has vouched for this history\n",
    );
  });

  it("names what fails, and claims nothing else", async () => {
    const { text, exit } = await verifyPath(join(bundles, "bad/b-over-budget"), { ...plain, trust: pinned });
    expect(exit).to.equal(1);
    expect(text).to.equal(
      [
        "trust is given, its keys are pinned",
        "FAILED",
        "origin: vault.example.com/acme",
        "FAIL behaviour.over_budget entry 4: 3 actions spent and 0 held pass the limit of 2",
      ].join("\n"),
    );
  });

  it("takes the bundle's own path, with what lies beside it", async () => {
    const path = join(folder, "bundle.json");
    expect((await verifyPath(path, plain)).exit).to.equal(0);
    writeFileSync(join(folder, "log/checkpoint"), "");
    expect(await verifyPath(path, plain)).to.have.property("exit", 1);
  });

  it("takes a receipt or a bare proof, with the trust.json beside it", async () => {
    const { receipts } = vector<{ readonly receipts: readonly { readonly receipt: Proof }[] }>(
      "vault/tlogproof.json",
    );
    const receipt = receipts[0]?.receipt as Proof;
    const files = { "receipt.json": JSON.stringify(receipt), "13.tlog-proof": receipt.proof.tlog_proof };
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, name);
      writeFileSync(path, text);
      expect(await verifyPath(path, { ...plain, trust: pinned })).to.have.property("exit", 0);
      expect((await verifyPath(path, plain)).text).to.match(/^trust is the export's own word/);
      writeFileSync(path, text.replace("index 13", "index 14"));
      expect(await verifyPath(path, { ...plain, trust: pinned })).to.have.property("exit", 1);
    }
  });

  it("finds every file below log/, and does not wait for what is none", async () => {
    const verdict = async () => JSON.parse((await verifyPath(folder, { ...plain, json: true })).text).code;
    symlinkSync("/dev/zero", join(folder, "log/tile/0/device"));
    expect(await verdict()).to.equal("log.unexpected");
    rmSync(join(folder, "log/tile/0/device"));
    expect(await verdict()).to.equal(null);
    rmSync(join(folder, "log/tile/entries"), { recursive: true });
    expect(await verdict()).to.equal("log.missing");
    rmSync(join(folder, "log"), { recursive: true });
    expect(await verdict()).to.equal(null);
  });

  it("gives no judgement without a bundle, without trust, or without the trust that it must have", async () => {
    const told = async (path: string, options: object) => {
      const { text, exit } = await verifyPath(path, { ...plain, ...options });
      expect(text).to.contain("\nNO JUDGEMENT\n");
      return `${exit} ${/FAIL (\S+):/.exec(text)?.[1]}`;
    };
    expect(await told(join(folder, "nothing"), { trust: pinned })).to.equal("2 input.unreadable");
    expect(await told(join(bundles, "good"), {})).to.equal("2 trust.unreadable");
    expect(await told(folder, { trust: join(folder, "nothing") })).to.equal("2 trust.unreadable");
    expect(await told(folder, { require_trust: true })).to.equal("2 trust.unreadable");
  });

  it("prints exactly the documented members as JSON", async () => {
    const { text } = await verifyPath(folder, { ...plain, trust: pinned, json: true });
    const report = JSON.parse(text) as Record<string, unknown>;
    expect(report).to.have.all.keys(
      ...["exit", "code", "failures", "kind", "entries", "tree_size", "root", "authentic"],
      ...["complete_to", "witnessed", "erased", "sessions", "trust"],
    );
    const expected = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8"));
    expect(report).to.deep.include({ ...expected.report, trust: "given" });
    expect(JSON.parse((await verifyPath(folder, { ...plain, json: true })).text).trust).to.equal("own word");
  });

  it("is a command with these options, that ends with the judgement's status", () => {
    const run = (...args: readonly string[]) => {
      const script = `import { verifyCommand } from "./dist/src/cli/verify.js";
        await verifyCommand().parseAsync(process.argv.slice(1), { from: "user" });`;
      return spawnSync(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
        encoding: "utf8",
      });
    };
    expect(run(folder)).to.include({ status: 0, stderr: "" });
    const json = run(folder, "--trust", pinned, "--json");
    expect(JSON.parse(json.stdout)).to.include({ exit: 0, trust: "given" });
    expect(run(join(bundles, "bad/swapped"), "--trust", pinned).stdout).to.contain("FAIL chain.gap entry 3:");
    expect(run(join(bundles, "bad/swapped"), "--trust", pinned).status).to.equal(1);
    expect(run(folder, "--require-trust").status).to.equal(2);
  });
});
