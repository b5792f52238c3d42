import { expect } from "chai";
import fc from "fast-check";
import { compile } from "../../../src/core/policy/compile.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { PolicyError } from "../../../src/core/policy/error.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";

const from = { policy_id: "0".repeat(32), source: "api" } as const;
const least: JsonObject = { name: "n", policy_type: "action_type", decision: "block" };

/** The place of the first fault. */
function fault(written: unknown): string {
  try {
    parsePolicy(written as JsonObject, from);
    return "none";
  } catch (error) {
    return error instanceof PolicyError ? error.path : expect.fail(String(error));
  }
}

describe("the parse of a policy", () => {
  it("fills in what is left out", () => {
    expect(parsePolicy(least, from)).to.deep.equal({
      ...least,
      ...from,
      description: "",
      priority: 0,
      action_types: [],
      conditions: {},
      mode: "live",
      enabled: true,
    });
  });

  it("says where the first fault is", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const cases: readonly (readonly [object, string])[] = [
      [{ name: "" }, "/name"],
      [{ name: null }, "/name"],
      [{ name: "x".repeat(257) }, "/name"],
      [{ name: "\ud800" }, "/name"],
      [{ description: 5 }, "/description"],
      [{ policy_type: "actiontype" }, "/policy_type"],
      [{ policy_type: "constructor" }, "/policy_type"],
      [{ decision: "warn" }, "/decision"],
      [{ priority: 1.5 }, "/priority"],
      [{ priority: 2 ** 31 }, "/priority"],
      [{ action_types: "a" }, "/action_types"],
      [{ action_types: ["a", ""] }, "/action_types/1"],
      [{ action_types: ["a b"] }, "/action_types/0"],
      [{ action_types: Array(101).fill("a") }, "/action_types"],
      [{ conditions: [] }, "/conditions"],
      [{ conditions: { pth: 1 } }, "/conditions/pth"],
      [{ conditions: { warning: "" } }, "/conditions/warning"],
      [{ trust_threshold: "1" }, "/trust_threshold"],
      [{ trust_threshold: Number.NaN }, "/trust_threshold"],
      [{ mode: "off" }, "/mode"],
      [{ enabled: "yes" }, "/enabled"],
      [{ enable: true }, "/enable"],
      [{ conditions: { x: nested(40) } }, `/conditions/x${"/0".repeat(22)}`],
      [{ conditions: { "a/b~": Number.POSITIVE_INFINITY } }, "/conditions/a~1b~0"],
      [{ conditions: JSON.parse('{"__proto__": 1}') }, "/conditions"],
      [{ conditions: { warning: "ok", x: "y".repeat(40_000) } }, ""],
    ];
    for (const [more, path] of cases) {
      expect(fault({ ...least, ...more }), JSON.stringify(more).slice(0, 80)).to.equal(path);
    }
    expect(() => parsePolicy(least, { ...from, policy_id: "x" })).to.throw(PolicyError);
  });

  it("refuses any nonsense by a PolicyError, or what comes of it compiles", () => {
    const types = fc.constantFrom("action_type", "threshold", "x");
    const any = fc.record(
      {
        name: fc.string(),
        policy_type: types,
        decision: fc.constantFrom("allow", "block", "escalate", "terminate"),
        priority: fc.integer(),
        action_types: fc.array(fc.string()),
        conditions: fc.object({ maxDepth: 3 }),
        mode: fc.constantFrom("live", "shadow"),
        enabled: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(any, (written) => {
        try {
          compile(parsePolicy(written as never, from));
        } catch (error) {
          expect(error).to.be.instanceOf(PolicyError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
