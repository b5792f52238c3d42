/** The examples of docs/policies.md: each policy of a type is followed by tests that hold of it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { typeNamed } from "../../src/core/policy/types.js";
import { readPolicyFolder } from "../../src/policies/folder.js";
import { readTestFile } from "../../src/policies/test-file.js";
import { runTest } from "../../src/services/table-test.js";
import { blocksOf } from "./document.js";

describe("docs/policies.md", () => {
  let sections: ReadonlyMap<string, string>;

  before(async () => {
    const [, types = ""] = (await readFile("docs/policies.md", "utf8")).split("\n## The types\n");
    sections = new Map(
      types.split("\n### ").flatMap((section) => {
        const [, type] = /^(\w+)/.exec(section.trim()) ?? [];
        return type === undefined ? [] : [[type, section]];
      }),
    );
  });

  it("has worked examples of types, whose tests hold, and of which none would hold without the policy", async () => {
    expect([...sections.keys()]).to.include.members([
      "action_type",
      "content_pattern",
      "threshold",
      "temporal",
      "cel",
    ]);
    for (const [type, section] of sections) {
      expect(typeNamed(type), type).to.not.equal(null);
      const blocks = blocksOf(section).filter(({ kind }) => kind === "yaml");
      const [policies = "", tests = ""] = blocks.map(({ text }) => text);
      const directory = await mkdtemp(join(tmpdir(), "killcord-docs-"));
      try {
        await writeFile(join(directory, "example.yaml"), policies);
        let count = 0;
        const read = await readPolicyFolder(directory, () => (++count).toString(16).padStart(32, "0"));
        expect(read.faults, type).to.deep.equal([]);
        expect(read.policies.map(({ document }) => document.policy_type)).to.include(type);
        const tried = read.policies.map(({ document }) => ({ document, version: 1 }));
        const file = readTestFile("example.test.yaml", tests);
        expect(file.faults, type).to.deep.equal([]);
        expect(file.tests, type).to.not.be.empty;
        for (const test of file.tests) {
          expect(runTest(test, tried).failure, `${type}: ${test.test.name}`).to.deep.equal(null);
          expect(runTest(test, []).failure, `${type}: ${test.test.name}`).to.not.equal(null);
        }
      } finally {
        await rm(directory, { recursive: true });
      }
    }
  });
});
