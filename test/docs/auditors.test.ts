import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { command } from "../server/served.js";
import { vector } from "../vectors.js";

interface Receipts {
  readonly receipts: readonly { readonly receipt: object }[];
}

const vectors = "test/vectors/vault/bundles";

/** The commands of the page, each with the output that it shows, or null. */
function commandsOf(
  markdown: string,
): readonly { readonly words: readonly string[]; readonly shown: string | null }[] {
  const blocks = markdown.matchAll(/```sh\nkillcord ([^\n]+)\n```(?:\n```\n([^`]+)\n```)?/g);
  return [...blocks].map(([, words = "", shown = null]) => ({ words: words.split(" "), shown }));
}

describe("docs/for-auditors.md", () => {
  const markdown = readFileSync("docs/for-auditors.md", "utf8");
  let folder = "";

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "killcord-auditor-"));
    for (const [from, to] of [
      ["good", "evidence"],
      ["good-slice", "slice"],
      ["bad/b-over-budget", "tampered"],
    ]) {
      cpSync(join(vectors, from as string), join(folder, to as string), { recursive: true });
    }
    cpSync(join(vectors, "trust.json"), join(folder, "trust.json"));
    const { receipts } = vector<Receipts>("vault/tlogproof.json");
    writeFileSync(join(folder, "receipt.json"), JSON.stringify(receipts[0]?.receipt));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("has two screens and no more", () => {
    expect(markdown.split("\n").length).to.be.below(120);
  });

  it("shows commands that do what it says, word for word", async () => {
    const commands = commandsOf(markdown);
    expect(commands).to.have.length(4);
    for (const { words, shown } of commands) {
      const placed = words.map((word) => (/^(?:verify|-)/.test(word) ? word : resolve(folder, word)));
      const { status, stdout, stderr } = await command(placed);
      expect(stderr).to.equal("");
      const failing = words.includes("tampered");
      expect(status, words.join(" ")).to.equal(failing ? 1 : 0);
      if (shown !== null) {
        expect(stdout).to.equal(`${shown}\n`);
      }
    }
  });
});
