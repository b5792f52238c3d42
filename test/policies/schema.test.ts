/** The schema of a policy is what is published, says the same as the core, and knows every type. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { JsonObject } from "../../src/core/policy/document.js";
import { PolicyError } from "../../src/core/policy/error.js";
import { parsePolicy } from "../../src/core/policy/parse.js";
import { policy_types } from "../../src/core/policy/types.js";
import { condition_schemas } from "../../src/policies/condition-schemas.js";
import { fieldOf, readPolicy } from "../../src/policies/read-policy.js";
import { policy_schema } from "../../src/policies/schema.js";
import { faultsBy } from "../../src/policies/schema-faults.js";
import { test_schema } from "../../src/policies/test-schema.js";

const identity = { policy_id: "0".repeat(32), source: "file" } as const;
const findFaults = faultsBy(policy_schema);

/** Good conditions of each type, every member given where that goes together. */
const good: Readonly<Record<string, readonly JsonObject[]>> = {
  action_type: [{}],
  content_pattern: [{ patterns: ["rm -rf /+", "DROP\\s+TABLE"], case_insensitive: true }],
  threshold: [{ path: "/payment/amount", operator: "gte", value: 0.5, missing: "pass" }],
  temporal: [
    { zone: "Europe/Berlin", days: ["mon", "fri"], from: "22:00", to: "06:00", outside: true },
    { zone: "UTC", days: ["sun"] },
  ],
  rate: [{ by: "session", count: 10, window_seconds: 60, counts: "allowed" }],
  sequence: [{ steps: ["read.*", "net.*"], within_seconds: 60, by: "agent" }, { steps: ["a", "b"] }],
  cel: [{ expression: "action.type == 'a' && metadata.amount > 3.0" }],
  loop: [{ count: 5, window_seconds: 60, cycle_length_max: 4, cycle_count: 3 }],
  window: [
    { by: "agent", value: "loan-*", period: "day", zone: "Europe/Berlin", max_actions: 5 },
    { by: "workspace", period: "month", max_tokens: 0, max_cost_usd: "25.50" },
    { by: "label", period: "hour", max_cost_usd: 2.5 },
  ],
  default: [
    {
      agent: "loan-*",
      label: "p*",
      budgets: { max_actions: 500, max_cost_usd: "5", on_exceeded: "pause", warn_at_percent: [80] },
    },
  ],
  ceiling: [{ agent: "*", budgets: { max_actions: 500, max_tokens: 1000, max_depth: 2, ttl_seconds: 60 } }],
};

function policy(policy_type: string, conditions: JsonObject, more: JsonObject = {}): JsonObject {
  const decision = policy_type === "default" || policy_type === "ceiling" ? "allow" : "block";
  return { name: "a", policy_type, decision, conditions, ...more };
}

function isTakenByCore(value: JsonObject): boolean {
  try {
    parsePolicy(value, identity);
    return true;
  } catch (error) {
    expect(error).to.be.instanceOf(PolicyError);
    return false;
  }
}

describe("the schema of a policy", () => {
  it("is the one in docs/, as is that of tests: npm run generate writes them", () => {
    const text = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;
    expect(readFileSync("docs/policy.schema.json", "utf8")).to.equal(text(policy_schema));
    expect(readFileSync("docs/policy-test.schema.json", "utf8")).to.equal(text(test_schema));
  });

  it("knows every type that the core has", () => {
    expect(Object.keys(condition_schemas)).to.include.members(Object.keys(policy_types));
  });

  for (const name of Object.keys(policy_types)) {
    for (const [i, conditions] of (good[name] ?? []).entries()) {
      it(`takes good conditions of ${name}, as the core does (${i + 1})`, () => {
        expect(readPolicy(policy(name, conditions), identity).faults).to.deep.equal([]);
        const warned = policy(name, { ...conditions, warning: "look at this" });
        expect(readPolicy({ ...warned, decision: "allow" }, identity).faults).to.deep.equal([]);
      });

      it(`refuses nothing of ${name} that the core takes, member by member (${i + 1})`, () => {
        const spoilt: JsonObject[] = [
          { ...conditions, unheard_of: 1 },
          ...Object.keys(conditions).flatMap((member) => [
            ...[null, -1, 1.5, "", "?", {}, [], [[]], true, 1e300].map((value) => ({
              ...conditions,
              [member]: value,
            })),
          ]),
        ];
        for (const each of spoilt) {
          const value = policy(name, each);
          // What the schema refuses and the core takes would be a wish of nobody.
          if (isTakenByCore(value)) {
            expect(findFaults(value), JSON.stringify(each)).to.deep.equal([]);
          }
        }
      });
    }
  }

  it("is held against every member of a policy, all faults at once", () => {
    const { faults } = readPolicy(
      {
        name: 5,
        policy_type: "threshold",
        decision: "allow_with_warning",
        priority: 2 ** 31,
        action_types: ["a b", "c"],
        conditions: { operator: "above" },
        mode: "dark",
        enabled: "yes",
        typo: 1,
      },
      identity,
    );
    expect(faults.map(({ path }) => fieldOf(path)).sort()).to.deep.equal([
      "action_types[0]",
      "conditions.operator",
      "conditions.path",
      "conditions.value",
      "decision",
      "enabled",
      "mode",
      "name",
      "priority",
      "typo",
    ]);
  });
});
