import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { verifyReceipt } from "../../src/vault/verify/receipt.js";
import { findingsOf } from "../../src/vault/verify/report.js";
import { verify } from "../../src/vault/verify.js";
import { bundleAt, bundles, logAt, pinned } from "../vault/verify/evidence.js";
import { vector } from "../vectors.js";
import { type OpenPage, openPage, type Site, servePage } from "./browser/site.js";
import type { Handed, JudgeInPage } from "./browser/verifier.js";

const options = { trust_given: true, crypto: node_crypto };
const folders = [
  ...readdirSync(bundles).filter((name) => name.startsWith("good")),
  ...readdirSync(join(bundles, "bad")).map((name) => join("bad", name)),
];

describe("the verifier in a page", () => {
  let site: Site;
  let page: OpenPage;
  before(async () => {
    site = await servePage(".build/interop/verifier");
    page = await openPage(site);
  });
  after(async () => {
    await page?.close();
    site?.close();
  });

  const judged = async (handed: Handed) =>
    JSON.parse(
      await page.page.evaluate(
        (words) => (globalThis as unknown as { judge: JudgeInPage }).judge(words),
        handed,
      ),
    );

  for (const name of folders) {
    it(`finds of ${name} what it finds in Node`, async () => {
      const folder = join(bundles, name);
      const bundle = bundleAt(folder) ?? new Uint8Array(0);
      const log = logAt(folder);
      const { trust } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8"));
      const pins = existsSync(join(folder, trust)) ? readFileSync(join(folder, trust)) : pinned;
      const files = log && Object.fromEntries([...log].map(([path, bytes]) => [path, base64(bytes)]));
      const found = await judged({ bundle: base64(bundle), log: files, trust: base64(pins) });
      expect(found).to.deep.equal(findingsOf(verify({ bundle, log }, pins, options)));
    }).timeout(60_000);
  }

  it("finds of receipts what it finds in Node", async () => {
    const { receipts } = vector<{ readonly receipts: readonly { readonly receipt: object }[] }>(
      "vault/tlogproof.json",
    );
    for (const { receipt } of receipts) {
      const bytes = Buffer.from(JSON.stringify(receipt));
      const found = await judged({ bundle: base64(bytes), log: null, trust: base64(pinned) });
      expect(found).to.deep.equal(findingsOf(verifyReceipt("receipt", bytes, pinned, options)));
    }
  }).timeout(60_000);
});

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
