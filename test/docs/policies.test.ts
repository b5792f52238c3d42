/** The examples of docs/policies.md: the policies load, their tests pass, and there is one for every type. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { policy_types } from "../../src/core/policy/types.js";
import { condition_schemas } from "../../src/policies/condition-schemas.js";
import { readPolicyFolder } from "../../src/policies/folder.js";
import { faultLine } from "../../src/policies/policy-file.js";
import { killcord } from "../cli/killcord.js";
import { freshFolder } from "../server/served.js";

const markdown = readFileSync("docs/policies.md", "utf8");

const sections = markdown.split(/^### /m);

/** Files by the name in their first line; of one that stands there twice, the last. */
function filesIn(text: string): ReadonlyMap<string, string> {
  const blocks = [...text.matchAll(/^```yaml\n(# (policies\/\S+\.yaml)\n[\s\S]*?)^```$/gm)];
  return new Map(blocks.map(([, body = "", name = ""]) => [name, body]));
}

describe("the examples of docs/policies.md", () => {
  const folder = freshFolder();
  const files = filesIn(markdown);
  before(() => {
    for (const [name, text] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  });

  it("load", async () => {
    const { policies, faults } = await readPolicyFolder(folder, () => "0".repeat(32));
    expect(faults.map(faultLine)).to.deep.equal([]);
    expect(policies.length).to.be.greaterThan(0);
  });

  it("do in their tests what they say", async () => {
    const { status, stdout, stderr } = await killcord(["policy", "test", folder]);
    expect(status, `${stdout}${stderr}`).to.equal(0);
  });

  for (const type of Object.keys(policy_types)) {
    it(`are there for ${type}, with a table of every condition`, () => {
      const section = sections.find((each) => each.startsWith(`${type}\n`)) ?? "";
      const own = [...filesIn(section)];
      const policies = own.filter(([name]) => !name.endsWith(".test.yaml"));
      expect(
        policies.some(([, text]) => text.includes(`policy_type: ${type}\n`)),
        "a policy",
      ).to.equal(true);
      expect(own.length, "its tests").to.be.greaterThan(policies.length);
      const members = Object.keys(condition_schemas[type]?.properties ?? {});
      expect(
        members.filter((name) => !section.includes(`\`${name}\``)),
        "conditions",
      ).to.deep.equal([]);
    });
  }
});
