/** The policies of a file, and every fault in it with its place. */
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { faultLine, readPolicyFile } from "../../src/policies/policy-file.js";

const id = "0".repeat(32);
const read = (text: string) => readPolicyFile("a.yaml", text, () => id);
const faultsIn = async (text: string) => (await read(text)).faults.map(faultLine);

describe("a file of policies", () => {
  it("gives each policy with its defaults and the line where it begins", async () => {
    const { policies, faults } = await read(
      "# of the bank\nname: no deletes\npolicy_type: action_type\ndecision: block\naction_types: [delete_*]\n---\nname: two\npolicy_type: threshold\ndecision: allow\nmode: shadow\nconditions: {path: /a, operator: gt, value: 1}\n",
    );
    expect(faults).to.deep.equal([]);
    expect(policies.map(({ document, line }) => [document.name, line])).to.deep.equal([
      ["no deletes", 2],
      ["two", 7],
    ]);
    expect(policies[0]?.document).to.deep.equal({
      policy_id: id,
      name: "no deletes",
      description: "",
      policy_type: "action_type",
      decision: "block",
      priority: 0,
      action_types: ["delete_*"],
      conditions: {},
      mode: "live",
      enabled: true,
      source: "file",
    });
  });

  it("names every fault of every policy in it at once, in the order of the lines", async () => {
    const text = [
      "name: one",
      "policy_type: action_typo",
      "decision: block",
      "priority: high",
      "---",
      "name: two",
      "policy_type: threshold",
      "decision: block",
      "extra: 1",
      "conditions:",
      "  path: amount",
      "  operator: gt",
      "  limit: 3",
      "---",
      "name: ''",
      "policy_type: action_type",
    ].join("\n");
    const lines = await faultsIn(text);
    expect(
      lines.map((line) => line.replace(/: must be one of action_type.*/, ": must be one of …")),
    ).to.deep.equal([
      "a.yaml:2:1: policy_type: must be one of …",
      "a.yaml:4:1: priority: must be a whole number",
      "a.yaml:9:1: extra: is not known here: there is name, description, policy_type, decision, priority, action_types, conditions, trust_threshold, mode, enabled",
      "a.yaml:10:1: conditions.value: is required",
      "a.yaml:11:3: conditions.path: expected a path like /payment/amount, with ~1 for / and ~0 for ~ in a name",
      "a.yaml:13:3: conditions.limit: is not known here: there is path, operator, value, missing, warning",
      "a.yaml:15:1: decision: is required",
      "a.yaml:15:1: name: must be a text of 1 to 256 characters",
    ]);
  });

  it("says what the core cannot compile where it stands", async () => {
    const [fault = ""] = await faultsIn(`name: "half \\uD800"\npolicy_type: action_type\ndecision: block\n`);
    expect(fault).to.match(/^a\.yaml:1:1: name: /);
  });

  it("may not say whose it is: the id and the side are the server's", async () => {
    const text = `policy_id: ${id}\nsource: api\nname: a\npolicy_type: action_type\ndecision: block\n`;
    expect((await faultsIn(text)).map((line) => line.slice(0, 12))).to.deep.equal([
      "a.yaml:1:1: ",
      "a.yaml:2:1: ",
    ]);
  });

  it("is no file of policies when it holds none, or no object", async () => {
    expect(await faultsIn("# later\n")).to.deep.equal(["a.yaml:1:1: there is no policy in this file"]);
    expect(await faultsIn("just text\n")).to.deep.equal(["a.yaml:1:1: must be an object"]);
  });

  it("takes names in any script, and none with characters that move a terminal", async () => {
    const named = (name: string) => `name: "${name}"\npolicy_type: action_type\ndecision: block\n`;
    for (const name of ["überweisung 送金", "🔥 no fire", "e\u0301", "\u00e9", "a b"]) {
      expect((await read(named(name))).policies[0]?.document.name, name).to.equal(name);
    }
    expect(await faultsIn(named("a\\u001b[2Jb"))).to.have.length(1);
    expect(await faultsIn(named("a".repeat(257)))).to.have.length(1);
  });

  it("refuses a policy that would not fit into its entry", async () => {
    const patterns = Array(limits.policy_action_types)
      .fill(`  - ${"a".repeat(256)}`)
      .join("\n");
    const named = (name: string) =>
      `name: ${name}\npolicy_type: action_type\ndecision: block\ndescription: ${"送".repeat(1024)}\naction_types:\n${patterns}\n`;
    expect(await faultsIn(named("small"))).to.deep.equal([]);
    expect(await faultsIn(named("送".repeat(256)))).to.deep.equal([
      `a.yaml:1:1: is larger than ${limits.policy_bytes} bytes as it would be sealed`,
    ]);
  });
});
