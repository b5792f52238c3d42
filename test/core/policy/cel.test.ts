import { expect } from "chai";
import fc from "fast-check";
import type { ActionContext } from "../../../src/core/policy/action.js";
import { compile } from "../../../src/core/policy/compile.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { PolicyError } from "../../../src/core/policy/error.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";
import { Work } from "../../../src/core/policy/work.js";
import { contextOf } from "./context.js";

const from = { policy_id: "0".repeat(32), source: "api" } as const;
const compiled = (expression: string, more: JsonObject = {}) =>
  compile(
    parsePolicy(
      { name: "c", policy_type: "cel", decision: "block", conditions: { expression, ...more } },
      from,
    ),
  );
const isTrue = (expression: string, context: Partial<ActionContext> = {}, more: JsonObject = {}) =>
  compiled(expression, more).judge(contextOf(context)) !== null;

function fault(expression: string): string {
  try {
    compiled(expression);
    return "none";
  } catch (error) {
    expect(error).to.be.instanceOf(PolicyError);
    return (error as PolicyError).message;
  }
}

const unlimited = { limit: null, spent: 3, reserved: 0, overrun: 0 };
const session = {
  session_id: "sess_1",
  status: "active",
  level: 1,
  started_at: Date.UTC(2026, 0, 5, 11),
  actions: { limit: 10, spent: 7, reserved: 0, overrun: 0 },
  tokens: { limit: 100, spent: 50, reserved: 40, overrun: 0 },
  cost_usd_micros: unlimited,
};

describe("a policy in CEL", () => {
  it("sees the action, its metadata, who asks, its session, the budgets and the time", () => {
    const metadata = { amount: 150.5, tags: ["a", "b"], to: { country: "DE" }, n: 5 };
    const context = {
      metadata,
      session,
      label: "night",
      content: "DROP TABLE x",
      cost: { tokens: 9, cost_usd_micros: 1 },
    };
    for (const expression of [
      'action.type == "pay" && action.tokens == 9',
      'action.content.contains("DROP") && action.has_content',
      'action.content.matches("(?i)drop\\\\s+table")',
      "metadata.amount > 100 && metadata.n == 5",
      'metadata.tags.exists(tag, tag == "b") && "a" in metadata.tags',
      'metadata.to.country in ["DE", "FR"] && metadata["to"]["country"].startsWith("D")',
      "has(metadata.amount) && !has(metadata.other)",
      'agent == "bot" && label == "night"',
      'session.id == "sess_1" && session.level == 1 && session.age_seconds == 3600',
      "budget.actions.left == 3 && budget.actions.limit == 10 && budget.tokens.left == 10",
      "budget.cost_usd_micros.left > 1000000000000 && budget.cost_usd_micros.spent == 3",
      'time.day == "mon" && time.hour == 12 && time.minute == 0',
      "int(metadata.n) % 2 == 1",
    ]) {
      expect(isTrue(expression, context), expression).to.equal(true);
      expect(isTrue(`!(${expression})`, context), expression).to.equal(false);
    }
    expect(isTrue("time.hour == 13", {}, { zone: "Europe/Berlin" })).to.equal(true);
    expect(isTrue('session == null && agent == "" && !action.has_content', { agent_id: null })).to.equal(
      true,
    );
  });

  it("that has no answer is an error in our words, not in those of the action", () => {
    const metadata = { secret: "hunter2", n: 1.5 };
    for (const expression of [
      "metadata.missing > 3",
      "metadata.secret > 3",
      "metadata.n % 2 == 0",
      "metadata.secret",
      "int(metadata.secret) == 1",
      "session.level == 0",
      "1 / 0 == 1",
      "metadata.secret.exists(x, x == 1)",
    ]) {
      const { judge } = compiled(expression);
      expect(() => judge(contextOf({ metadata })), expression)
        .to.throw(PolicyError)
        .with.property("message")
        .that.does.not.include("hunter2");
    }
  });

  it("is refused where it is none, too large, or uses what there is not", () => {
    expect(fault("1 +")).to.include("no expression in CEL");
    expect(fault("metdata.amount > 1")).to.include('knows no "metdata"');
    expect(fault("x > 1")).to.include("there is action, metadata");
    expect(fault("timestamp('2026-01-01T00:00:00Z') == time")).to.include('knows no function "timestamp"');
    expect(fault("google.protobuf.Int32Value{value: 1} == 1")).to.include("knows no");
    expect(fault("action.content.matches(metadata.p)")).to.include("written out");
    expect(fault('action.content.matches("(?=a)")')).to.include("RE2");
    expect(fault('action.content.matches("(?:a{100}){100}")')).to.include("too large");
    expect(fault(`true${" && true".repeat(220)}`)).to.include("too large");
    const loop = (body: string) => `metadata.a.exists(x, ${body})`;
    expect(fault(loop(loop(loop(loop(loop("x == 1"))))))).to.include("loops too deeply");
    expect(fault(`${"(".repeat(1000)}1${")".repeat(1000)}`)).to.not.equal("none");
  });

  it("says whether it reads the action's text, in whatever way", () => {
    expect(compiled('action.type == "a" && metadata.n > 1').reads_text).to.equal(false);
    for (const expression of [
      'action.content == ""',
      "action.has_content",
      'action["con" + "tent"] == ""',
      '[action][0].content == ""',
      '[action].exists(a, a.content == "")',
      "size(action) == 3",
    ]) {
      expect(compiled(expression).reads_text, expression).to.equal(true);
    }
    // A loop's variable of that name is another thing.
    expect(compiled('metadata.a.exists(action, action.content == "")').reads_text).to.equal(false);
  });

  it("is refused an action for which it might take long", () => {
    const metadata = { list: Array.from({ length: 3000 }, (_, i) => i) };
    const twice = "metadata.list.exists(x, metadata.list.exists(y, x + y == -1.0))";
    expect(() => isTrue(twice, { metadata })).to.throw(PolicyError, "too long");
    const text = { content: "x".repeat(200_000), metadata: { list: Array(1000).fill("y") } };
    expect(() => isTrue("metadata.list.exists(x, action.content.contains(x))", text)).to.throw(PolicyError);
    expect(isTrue(twice, { metadata: { list: [1, 2, 3] } })).to.equal(false);
    expect(() => isTrue("true", { work: new Work(0) })).to.throw(PolicyError);
  });

  it("throws nothing but a PolicyError, whatever it is and whatever it meets", () => {
    const words =
      "action metadata agent session budget time .a .type [0] ( ) ! == && || + - * < in [1] 1 2.5 'x' has( size( , ? : { } x.exists(y,".split(
        " ",
      );
    const expression = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((each) => each.join(""));
    fc.assert(
      fc.property(expression, fc.object(), (source, metadata) => {
        try {
          isTrue(source === "" ? "1" : source, { metadata: metadata as JsonObject, session });
        } catch (error) {
          expect(error, source).to.be.instanceOf(PolicyError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
