import { expect } from "chai";
import { node_crypto } from "../../../src/vault/node-crypto.js";
import { receiptKind, verifyReceipt } from "../../../src/vault/verify/receipt.js";
import { checkTlogProof, parseTlogProof } from "../../../src/vault/verify/tlog-proof.js";
import { readTrust, type Trust } from "../../../src/vault/verify/trust.js";
import { formatReport } from "../../../src/vault/verify/words.js";
import { vector } from "../../vectors.js";
import { pinned, verdictOf } from "./evidence.js";

interface ProofCase {
  readonly name: string;
  readonly leaf_base64: string;
  readonly proof: string;
  readonly code: string | null;
}

interface ReceiptCase {
  readonly name: string;
  readonly receipt: Receipt;
  readonly code: string | null;
}

interface Receipt {
  readonly decision_id?: string;
  readonly entry: {
    readonly sequence_number: number;
    readonly signature: { readonly key_id: string };
    readonly content: Readonly<Record<string, unknown>>;
  };
  readonly proof: { readonly tlog_proof: string };
}

const vectors = vector<{
  readonly proofs: readonly ProofCase[];
  readonly receipts: readonly ReceiptCase[];
}>("vault/tlogproof.json");
const options = { trust_given: true, crypto: node_crypto };
const trust = readTrust(pinned, node_crypto) as Trust;

function judgeReceipt(value: unknown, pins: Uint8Array | null = pinned) {
  return verifyReceipt("receipt", Buffer.from(JSON.stringify(value)), pins, options);
}

function judgeProof(text: string, pins: Uint8Array = pinned) {
  return verifyReceipt("proof", Buffer.from(text), pins, options);
}

function pinning(more: object): Uint8Array {
  return Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(pinned).toString()), ...more }));
}

const good = vectors.receipts[0]?.receipt as Receipt;

describe("the vectors' proofs", () => {
  it("are all there", () => {
    expect(vectors.proofs).to.have.length(34);
    expect(vectors.receipts).to.have.length(18);
  });

  for (const { name, leaf_base64, proof, code } of vectors.proofs) {
    it(`${name}: ${code ?? "verifies"}`, () => {
      const parsed = parseTlogProof(proof);
      const found =
        parsed === null
          ? { code: "proof.syntax" }
          : checkTlogProof(Buffer.from(leaf_base64, "base64"), parsed, trust, node_crypto);
      expect("code" in found ? found.code : null).to.equal(code);
    });
  }
});

describe("the vectors' receipts", () => {
  for (const { name, receipt, code } of vectors.receipts) {
    it(`${name}: ${code ?? "verifies"}`, () => {
      const report = judgeReceipt(receipt);
      expect(report).to.include({ exit: code === null ? 0 : 1, code, authentic: code === null });
    });
  }
});

describe("a receipt", () => {
  it("is refused for any bit of it that is flipped, or says the same", () => {
    const bytes = Buffer.from(JSON.stringify(good));
    const lines = new Set<string>();
    for (let place = 0; place < bytes.length; place += 7) {
      const changed = Uint8Array.from(bytes);
      changed[place] = (changed[place] as number) ^ (1 << (place % 8));
      const report = verifyReceipt("receipt", changed, pinned, options);
      if (report.exit === 0) {
        lines.add(formatReport(report));
      }
    }
    // Some flips spell the same value in another way, or spoil the line of a witness that nobody pins.
    expect([...lines].filter((line) => line !== formatReport(judgeReceipt(good)))).to.deep.equal([]);
  });

  it("says what it is about, and what it does not show", () => {
    const text = formatReport(judgeReceipt(good));
    expect(text).to.contain("\nauthentic: entry 13, sealed at 2026-11-22T17:00:03.451Z, signed by vsk_f5c3");
    expect(text).to.contain('\nentry: "enforcement_decision", decision "terminate"');
    expect(text).to.contain("\nwitnessed: 2 of 3 (2 demanded)");
    expect(text).to.contain("\nnot shown: what else is in the log of 46 entries\n");
  });

  it("needs its proof's extra, and the decision's id exactly if it is one", () => {
    const { decision_id: _id, ...loose } = good;
    expect(judgeReceipt(loose).code).to.equal("receipt.mismatch");
    const bare = good.proof.tlog_proof.replace(/^extra .*\n/m, "");
    expect(judgeReceipt({ ...good, proof: { tlog_proof: bare } }).code).to.equal("receipt.mismatch");
    expect(judgeReceipt({ ...good, proof: { tlog_proof: "" } }).code).to.equal("proof.syntax");
  });

  it("is judged by what the auditor knew before", () => {
    const fork = [{ size: 46, root: Buffer.alloc(32).toString("base64") }];
    expect(judgeReceipt(good, pinning({ known_checkpoints: fork })).code).to.equal("checkpoint.fork");
    const lost = (compromised_at: string) =>
      pinning({ compromised_keys: [{ key_id: good.entry.signature.key_id, compromised_at }] });
    expect(verdictOf(judgeReceipt(good, lost("2026-11-22T17:00:10.000Z")))).to.equal(
      "entry.key_compromised 13",
    );
    expect(judgeReceipt(good, lost("2026-11-22T18:00:00.000Z")).code).to.equal(null);
  });

  it("is not judged without trust", () => {
    expect(judgeReceipt(good, null)).to.include({ exit: 2, code: "trust.unreadable" });
  });
});

describe("a bare proof", () => {
  const text = good.proof.tlog_proof;

  it("shows that its leaf stands in the log", () => {
    const report = judgeProof(text);
    expect(report).to.include({ exit: 0, kind: "proof", tree_size: 46 });
    expect(formatReport(report)).to.contain("\nauthentic: entry 13, sealed at 2026-11-22T17:00:03.451Z, as ");
  });

  it("must hold the leaf", () => {
    expect(judgeProof(text.replace(/^extra .*\n/m, "")).code).to.equal("proof.syntax");
    expect(judgeProof(text.replace(/^extra .*$/m, "extra eA==")).code).to.equal("proof.hash");
    expect(judgeProof(text.replace("index 13", "index 12")).code).to.equal("proof.hash");
  });
});

describe("a file", () => {
  const kindOf = (bytes: string, path: string) => receiptKind(Buffer.from(bytes), path);

  it("is taken for what it says to be, else for what it is called", () => {
    expect(kindOf(good.proof.tlog_proof, "x")).to.equal("proof");
    expect(kindOf("", "a/b.tlog-proof")).to.equal("proof");
    expect(kindOf(JSON.stringify(good), "x.json")).to.equal("receipt");
    expect(kindOf("{}", "a/receipt.json")).to.equal("receipt");
    expect(kindOf('{"format":"killcord-bundle/v1"}', "a/receipt.json")).to.equal(null);
    expect(kindOf("{}", "bundle.json")).to.equal(null);
  });
});
