/** A test of policies fails for everything that it expects and does not come, with its place. */
import { expect } from "chai";
import { parsePolicy } from "../../src/core/policy/parse.js";
import { readTestFile } from "../../src/policies/test-file.js";
import { runTest } from "../../src/services/table-test.js";

const policies = [
  { name: "deletes", decision: "block", action_types: ["delete*"], priority: 5 },
  { name: "also deletes", decision: "block", action_types: ["delete*"] },
  { name: "shadow", decision: "terminate", mode: "shadow", action_types: ["look"] },
  { name: "told", decision: "allow", action_types: ["export"], conditions: { warning: "be careful" } },
  { name: "most", policy_type: "ceiling", decision: "block", conditions: { budgets: { max_actions: 10 } } },
].map((each, i) => {
  const policy_id = (i + 1).toString(16).padStart(32, "0");
  return {
    document: parsePolicy({ policy_type: "action_type", ...each }, { policy_id, source: "file" }),
    version: 1,
  };
});

/** The failure of a test that is written in YAML, as `line: expected / found`; null when it passes. */
function failureOf(test: string): string | null {
  const { tests, faults } = readTestFile("a.test.yaml", `tests:\n  - name: a\n${test}`);
  expect(faults).to.deep.equal([]);
  const failure = tests.map((each) => runTest(each, policies)).find((each) => each.failure !== null)?.failure;
  return failure == null ? null : `${failure.line}: ${failure.expected} / ${failure.found}`;
}
const steps = (...actions: readonly string[]) =>
  failureOf(`    actions:\n${actions.map((each) => `      - {${each}}\n`).join("")}`);

describe("a test of policies", () => {
  it("passes when every answer is as expected", () => {
    expect(
      steps(
        "action_type: look, expect: allow, policies: [], shadowed: [shadow]",
        "action_type: delete_x, expect: block, policy: deletes, policies: [also deletes, deletes]",
        "action_type: export, expect: allow, warning: careful",
        "action_type: delete_x",
        "start: small, expect: started",
      ),
    ).to.equal(null);
  });

  for (const [what, step, failure] of [
    [
      "another verdict",
      "action_type: delete_x, expect: allow",
      /^4: allow \/ block: policy "deletes" blocks/,
    ],
    [
      "another reason",
      "action_type: delete_x, expect: block, policy: also deletes",
      /^4: block by also deletes \/ by deletes, /,
    ],
    [
      "a policy too few",
      "action_type: delete_x, expect: block, policies: [deletes]",
      /^4: by deletes \/ by also deletes, deletes$/,
    ],
    [
      "a policy too many",
      "action_type: look, expect: allow, policies: [told]",
      /^4: by told \/ by no policy$/,
    ],
    [
      "another shadow",
      "action_type: look, expect: allow, shadowed: []",
      /^4: in shadow no policy \/ in shadow shadow$/,
    ],
    [
      "another warning",
      "action_type: export, expect: allow, warning: stop",
      /^4: the warning stop \/ be careful$/,
    ],
    ["no warning", "action_type: look, expect: allow, warning: stop", /^4: the warning stop \/ no warning$/],
    ["a start that is not refused", "start: s, expect: above_ceiling", /^4: above_ceiling \/ started$/],
    [
      "other budgets",
      "start: s, expect: started, budgets: {max_actions: 11}",
      /^4: max_actions: 11 \/ max_actions: 10$/,
    ],
  ] as const) {
    it(`fails for ${what}, and says where and what came`, () => {
      expect(steps(step)).to.match(failure);
    });
  }

  it("fails at the step that is wrong, and at the repeat that is", () => {
    const budgets = "    budgets: {max_actions: 3}\n    spent: {actions: 1}\n";
    const actions =
      "    actions:\n      - {action_type: a}\n      - {action_type: a, repeat: 2, expect: allow}\n";
    expect(failureOf(budgets + actions)).to.match(/^7: allow \/ terminate: /);
    expect(failureOf(budgets.replace("3", "4") + actions)).to.equal(null);
  });

  it("fails for a start that is refused, and for time that goes back", () => {
    const rich = "    budgets: {max_actions: 11}\n    actions:\n      - {start: s, expect: started}\n";
    expect(failureOf(rich)).to.match(/^5: started \/ above_ceiling: /);
    expect(
      steps(
        'action_type: a, at: "2026-01-05T13:00:00Z", expect: allow',
        'action_type: a, at: "2026-01-05T12:59:59Z", expect: allow',
      ),
    ).to.match(/^5: a time after that of the step before/);
  });

  it("keeps worlds apart: what one test did, the next has not seen", () => {
    const one = "    budgets: {max_actions: 1}\n    actions:\n      - {action_type: a, expect: allow}\n";
    expect(failureOf(`${one}  - name: b\n${one}`)).to.equal(null);
  });
});
