/** What has to change so that the policies in force are those of files. */
import { expect } from "chai";
import type { PolicyDocument } from "../../src/core/policy/document.js";
import { difference } from "../../src/policies/difference.js";

const document = (name: string, more: Partial<PolicyDocument> = {}): PolicyDocument => ({
  policy_id: `${name.length}`.padStart(32, "f"),
  name,
  description: "",
  policy_type: "threshold",
  decision: "block",
  priority: 0,
  action_types: ["a", "b"],
  conditions: { path: "/amount", operator: "gt", value: 1 },
  mode: "live",
  enabled: true,
  source: "file",
  ...more,
});
const in_force = (name: string, more: Partial<PolicyDocument> = {}) => ({
  document: document(name, { ...more, policy_id: "1".repeat(32) }),
  version: 3,
});
const told = ({ changes }: ReturnType<typeof difference>) =>
  changes.map(({ kind, name, members }) => [kind, name, ...members].join(" "));

describe("the difference between files and what is in force", () => {
  it("makes what is new, changes what differs, and leaves alone what is equal", () => {
    const found = difference(
      [document("new"), document("same"), document("other", { priority: 5, conditions: { value: 2 } })],
      [in_force("same"), in_force("other")],
      true,
    );
    expect(told(found)).to.deep.equal(["created new", "unchanged same", "updated other priority conditions"]);
  });

  it("sees no difference in the order of members, and one in the order of a list", () => {
    const conditions = { value: 1, operator: "gt", path: "/amount" };
    const wanted = [document("one", { conditions }), document("two", { action_types: ["b", "a"] })];
    expect(told(difference(wanted, [in_force("one"), in_force("two")], true))).to.deep.equal([
      "unchanged one",
      "updated two action_types",
    ]);
  });

  it("changes a policy under the id that it has", () => {
    const { changes } = difference([document("a", { priority: 1 })], [in_force("a")], true);
    expect(changes[0]?.document?.policy_id).to.equal("1".repeat(32));
    expect(changes[0]?.version).to.equal(3);
  });

  it("deletes what no file has any more, after everything else, and only if asked", () => {
    const present = [in_force("gone"), in_force("kept")];
    const wanted = [document("kept"), document("new")];
    expect(told(difference(wanted, present, true))).to.deep.equal([
      "unchanged kept",
      "created new",
      "deleted gone",
    ]);
    expect(told(difference(wanted, present, false))).to.deep.equal(["unchanged kept", "created new"]);
  });

  it("neither changes nor deletes what calls made, and names those whose name a file has", () => {
    const present = [in_force("called", { source: "api" }), in_force("both", { source: "api" })];
    const found = difference([document("both")], present, true);
    expect(told(found)).to.deep.equal([]);
    expect(found.taken.map(({ name }) => name)).to.deep.equal(["both"]);
  });
});
