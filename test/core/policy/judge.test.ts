/** What policies make of actions, against a model that knows nothing of sets, indexes or caches. */
import { expect } from "chai";
import fc from "fast-check";
import type { Actor } from "../../../src/core/actor.js";
import type { EnforcementDecision } from "../../../src/core/event.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { evaluate } from "../../../src/core/policy/evaluate.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";
import { fromContent, toContent } from "../../../src/engine/content.js";
import { limits } from "../../../src/limits.js";
import { canonical } from "../../../src/vault/canonical.js";
import { intercept, start } from "../asking.js";
import { audit } from "../audit.js";
import { digest } from "../digest.js";
import { replay, Workspace } from "../workspace.js";
import { contextOf } from "./context.js";

interface Rule {
  readonly decision: "allow" | "block" | "escalate" | "terminate";
  readonly priority: number;
  readonly on: string | null;
  readonly mode: "live" | "shadow";
  readonly enabled: boolean;
  readonly warning: boolean;
  /** It is about amounts above this; null: about a CEL expression that fails without an amount. */
  readonly above: number | null;
}

const rule: fc.Arbitrary<Rule> = fc.record({
  decision: fc.constantFrom("allow", "block", "escalate", "terminate"),
  priority: fc.integer({ min: -2, max: 2 }),
  on: fc.constantFrom(null, "pay", "pay_*", "*", "read"),
  mode: fc.constantFrom("live", "live", "shadow"),
  enabled: fc.boolean(),
  warning: fc.boolean(),
  above: fc.constantFrom(null, 0, 5),
});

const action = fc.record({
  type: fc.constantFrom("pay", "pay_all", "read", "write"),
  amount: fc.constantFrom(null, 1, 9),
});

const written = (each: Rule, i: number): JsonObject => ({
  name: `p${String(i).padStart(3, "0")}`,
  decision: each.decision,
  priority: each.priority,
  action_types: each.on === null ? [] : [each.on],
  mode: each.mode,
  enabled: each.enabled,
  policy_type: each.above === null ? "cel" : "threshold",
  conditions: {
    ...(each.above === null
      ? { expression: "metadata.amount > 3.0" }
      : { path: "/amount", operator: "gt", value: each.above, missing: "pass" }),
    ...(each.warning ? { warning: "careful" } : {}),
  },
});

const strictness = ["allow", "escalate", "block", "terminate"];

/** What a rule says of an action: nothing, or a verdict. */
function says(each: Rule, { type, amount }: { type: string; amount: number | null }): string | null {
  const about =
    each.on === null || each.on === "*" || each.on === type || (each.on === "pay_*" && type === "pay_all");
  if (!about) {
    return null;
  }
  if (amount === null) {
    return each.above === null ? "block" : null;
  }
  return amount > (each.above ?? 3) ? each.decision : null;
}

const id = (n: number) => n.toString(16).padStart(32, "0");

function make(workspace: Workspace, admin: Actor, policies: readonly JsonObject[]): void {
  for (const [i, each] of policies.entries()) {
    const { reply } = workspace.submit({
      type: "change_policy",
      actor: admin,
      change: "created",
      policy_id: id(i),
      written: each,
      source: "api",
      repeat: null,
    });
    expect(reply.type).to.equal("policy");
  }
}

/** The newest decision of the log. */
function newest(workspace: Workspace): EnforcementDecision {
  return workspace.log.findLast((event) => event.event === "enforcement_decision") as EnforcementDecision;
}

describe("what policies make of an action", () => {
  it("is what a model says that asks all of them, each time", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 6 }),
        fc.array(action, { minLength: 1, maxLength: 5 }),
        (rules, actions) => {
          const workspace = new Workspace();
          const admin = workspace.bootstrap();
          make(workspace, admin, rules.map(written));
          for (const [n, asked] of actions.entries()) {
            workspace.submit(start(admin, `s${n}`));
            const metadata = asked.amount === null ? null : { amount: asked.amount };
            for (const session_id of [`s${n}`, null]) {
              workspace.submit(intercept(admin, session_id, { action_type: asked.type, metadata }));
              const decision = newest(workspace);
              const order = rules
                .map((each, i) => ({ each, i, says: each.enabled ? says(each, asked) : null }))
                .filter((each) => each.says !== null)
                .sort((a, b) => b.each.priority - a.each.priority || a.i - b.i)
                .sort((a, b) => strictness.indexOf(b.says as string) - strictness.indexOf(a.says as string));
              const live = order.filter(({ each }) => each.mode === "live");
              const strictest = live[0]?.says ?? "allow";
              const verdict = session_id === null && strictest === "terminate" ? "block" : strictest;
              expect(decision.decision).to.equal(verdict);
              expect(decision.policies_triggered.map(({ policy_id }) => policy_id)).to.deep.equal(
                live.map(({ i }) => id(i)),
              );
              const shadowed = order.filter(({ each }) => each.mode === "shadow").map(({ i }) => id(i));
              expect((decision.policies_shadowed ?? []).map(({ policy_id }) => policy_id)).to.deep.equal(
                shadowed,
              );
              const warned = verdict === "allow" ? live.filter(({ each }) => each.warning).length : 0;
              expect(decision.warnings?.length ?? 0).to.equal(warned);
            }
          }
          expect(audit(workspace.log)).to.deep.equal([]);
          const sealed = workspace.log.map((event, i) =>
            fromContent(canonical(toContent(event, "0".repeat(32))), null, i),
          );
          expect(digest(replay(sealed))).to.equal(digest(workspace.state));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("can be sealed and names the strictest, however many and however long-winded they are", () => {
    const workspace = new Workspace(false);
    const admin = workspace.bootstrap();
    const name = (i: number) => `${"é".repeat(250)}${i}`;
    const policies = Array.from({ length: 60 }, (_, i) => ({
      name: name(i),
      policy_type: "action_type",
      decision: i === 33 ? "terminate" : "allow",
      mode: i % 3 === 1 ? "shadow" : "live",
      conditions: { warning: "ü".repeat(limits.reason_characters) },
    }));
    make(workspace, admin, policies);
    workspace.submit(start(admin, "s1"));
    workspace.submit(intercept(admin, "s1"));
    const decision = newest(workspace);
    expect(decision.decision).to.equal("terminate");
    expect(decision.policies_triggered[0]?.policy_id).to.equal(id(33));
    expect(decision.policies_triggered.length).to.be.at.most(limits.policies_triggered);
    for (const event of workspace.log) {
      expect(canonical(toContent(event, "0".repeat(32))).length).to.be.below(
        limits.entry_bytes - limits.details_bytes,
      );
    }
  });

  it("is a refusal that names the policy where one cannot be judged, and never repeats what was sent", () => {
    const workspace = new Workspace();
    const admin = workspace.bootstrap();
    make(workspace, admin, [
      {
        name: "odd",
        policy_type: "cel",
        decision: "allow",
        conditions: { expression: "metadata.x + 1 == 2" },
      },
    ]);
    const submitted = workspace.submit(intercept(admin, null, { metadata: { x: "secret of the caller" } }));
    const decision = newest(workspace);
    expect(decision.decision).to.equal("block");
    expect(decision.reasoning).to.match(/^policy "odd" failed: /);
    expect(decision.policies_triggered[0]).to.include({ policy_id: id(0), version: 1, decision: "block" });
    expect(JSON.stringify(submitted)).to.not.include("secret of the caller");
  });

  it("is a refusal also where a log of another version has a policy that this one does not know", () => {
    const workspace = new Workspace();
    const admin = workspace.bootstrap();
    make(workspace, admin, [{ name: "x", policy_type: "action_type", decision: "allow" }]);
    const made = workspace.log.at(-1);
    if (made?.event !== "policy_changed" || made.policy === null) {
      expect.fail("a policy was made");
    }
    const unknown = { ...made.policy, policy_type: "of the future", action_types: ["pay"] };
    workspace.apply({ ...made, change: "updated", version: 2, policy: unknown });
    workspace.submit(intercept(admin, null, { action_type: "pay" }));
    expect(newest(workspace).decision).to.equal("block");
    workspace.submit(intercept(admin, null, { action_type: "read" }));
    expect(newest(workspace).decision).to.equal("allow");
  });

  it("follows every change of them at once", () => {
    const workspace = new Workspace();
    const admin = workspace.bootstrap();
    const verdict = () => {
      workspace.submit(intercept(admin, null, { action_type: "pay" }));
      return newest(workspace).decision;
    };
    const change = (kind: "updated" | "deleted", written: JsonObject | null) =>
      workspace.submit({
        type: "change_policy",
        actor: admin,
        change: kind,
        policy_id: id(0),
        written,
        source: "api",
        repeat: null,
      });
    const blocks = { name: "x", policy_type: "action_type", decision: "block" };
    expect(verdict()).to.equal("allow");
    make(workspace, admin, [blocks]);
    expect(verdict()).to.equal("block");
    change("updated", { ...blocks, mode: "shadow" });
    expect(verdict()).to.equal("allow");
    change("updated", blocks);
    expect(verdict()).to.equal("block");
    change("deleted", null);
    expect(verdict()).to.equal("allow");
  });

  it("repeats no message but ours of what went wrong", () => {
    const document = parsePolicy(
      { name: "x", policy_type: "action_type", decision: "allow" },
      { policy_id: id(0), source: "api" },
    );
    const policy = { document, version: 1, sequence: 1, created_at: 0, updated_at: 0 };
    const judge = () => {
      throw new Error("secret of the caller");
    };
    const compiled = { reads_text: false, judges_actions: true, judge } as never;
    const { enforced } = evaluate({ all: [{ policy, compiled }], ids: [id(0)] }, contextOf());
    expect(enforced.map(({ decision, reason }) => [decision, reason])).to.deep.equal([
      ["block", 'policy "x" failed: it cannot be evaluated'],
    ]);
  });

  it("stays short with a thousand policies that all want to read a large text", () => {
    const workspace = new Workspace(false);
    const admin = workspace.bootstrap();
    const policies = Array.from({ length: limits.policies }, (_, i) => ({
      name: `p${i}`,
      policy_type: "content_pattern",
      decision: "escalate",
      conditions: { patterns: [`(?i)secret\\s+number\\s+${i}x`, `[a-f]+[0-9]{3}z${i}`] },
    }));
    make(workspace, admin, policies);
    const content = "secret number abc123 ".repeat(12_000);
    workspace.submit(intercept(admin, null, { content }));
    const decision = newest(workspace);
    expect(decision.decision).to.equal("block");
    expect(decision.reasoning).to.include("too long");
  });
});
