import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { expect } from "chai";
import fc from "fast-check";
import { type Facts, shortcutOf } from "../../../src/core/policy/cel-shortcut.js";
import type { JsonObject } from "../../../src/core/policy/document.js";

const names = ["a", "b", "c", "__proto__", "constructor", "type", "size"] as const;
const words = ["", "a", "ab", "b", "é", "\ud83d\ude00", "DE", "1"] as const;
const numbers = [0, -0, 1, 1.5, -1, 2 ** 53 - 1, 2 ** 53, 1e300] as const;

const leaf = fc.oneof(
  fc.constantFrom<string | number>(...words, ...numbers),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom<string | number | boolean | null>(...words, ...numbers, true, null), {
    maxLength: 4,
  }),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small", maxDepth: 3 }, leaf, tie("object")),
  object: fc
    .array(fc.tuple(fc.constantFrom(...names), tie("value")), { maxLength: 5 })
    .map((members) => Object.fromEntries(members)),
}));

const facts: fc.Arbitrary<Facts> = fc.record({
  action_type: fc.constantFrom(...words),
  content: fc.constantFrom(null, ...words),
  metadata: fc.oneof(fc.constant(null), json.object) as fc.Arbitrary<JsonObject | null>,
  agent_id: fc.constantFrom(null, ...words),
  label: fc.constantFrom(null, ...words),
});

const quoted = fc.constantFrom(...words).map((word) => JSON.stringify(word));
const constants = [
  "0",
  "1",
  "-1",
  "1.0",
  "1.5",
  "-0.0",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775807",
  "1u",
  "true",
  "false",
  "null",
] as const;
const written = fc.constantFrom(...constants);
const path = fc.oneof(
  fc
    .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
    .map((steps) => `metadata.${steps.join(".")}`),
  fc.constantFrom(...names).map((name) => `metadata[${JSON.stringify(name)}]`),
  fc.constantFrom("action.type", "action.content", "action.has_content", "agent", "label", "metadata"),
);
const expression = fc.letrec<{ value: string; truth: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    path,
    path,
    quoted,
    written,
    fc.tuple(tie("truth"), tie("value"), tie("value")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    fc.tuple(tie("truth"), path, path).map(([c, a, b]) => `(${c} ? ${a} : ${b}).a`),
    tie("truth"),
  ),
  truth: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    path.map((each) => (each.includes(".") ? `has(${each})` : `${each} == "a"`)),
    fc
      .tuple(tie("value"), fc.constantFrom("<", "<=", ">", ">=", "==", "!="), tie("value"))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc
      .tuple(tie("value"), fc.array(fc.oneof(quoted, written), { maxLength: 4 }))
      .map(([a, list]) => `(${a} in [${list.join(", ")}])`),
    fc.tuple(tie("value"), path).map(([a, list]) => `(${a} in ${list})`),
    fc
      .tuple(path, fc.constantFrom("startsWith", "endsWith", "contains"), tie("value"))
      .map(([a, call, b]) => `${a}.${call}(${b})`),
    fc
      .tuple(tie("truth"), fc.constantFrom("&&", "||"), tie("truth"))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie("truth").map((each) => `!${each}`),
    tie("value"),
  ),
}));

const environment = celEnv();

/** As the library says it: true, false, or null for all else. */
function evaluated(source: string, { action_type, content, metadata, agent_id, label }: Facts) {
  const answer = plan(
    environment,
    parse(source),
  )({
    action: {
      type: action_type,
      content: content ?? "",
      has_content: content !== null,
      tokens: 0n,
      cost_usd_micros: 0n,
    },
    metadata: mapOf(metadata ?? {}) as never,
    agent: agent_id ?? "",
    label: label ?? "",
  });
  return isCelError(answer) || typeof answer !== "boolean" ? null : answer;
}

function mapOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Array.isArray(value)
    ? value.map(mapOf)
    : new Map(Object.entries(value).map(([name, member]) => [name, mapOf(member)]));
}

function shortcut(source: string, of: Facts): boolean | null {
  return shortcutOf(parse(source).expr)?.(of) ?? null;
}

const someone: Facts = {
  action_type: "payment.transfer",
  content: "pay",
  metadata: { amount: 125, to: { country: "DE" }, tags: ["invoice"] },
  agent_id: "bot",
  label: null,
};

describe("core/policy: CEL without the evaluator", () => {
  it("says what the evaluator says, or nothing", () => {
    const answers = { true: 0, false: 0 };
    fc.assert(
      fc.property(expression.truth, facts, (source, of) => {
        const known = shortcut(source, of);
        if (known !== null) {
          answers[`${known}`] += 1;
          expect(evaluated(source, of), source).to.equal(known);
        }
      }),
      { numRuns: 10_000 },
    );
    // Or the property would hold for nothing.
    expect(Math.min(answers.true, answers.false)).to.be.above(100);
  });

  it("compares every two of some numbers, and every two of some texts, as the evaluator does", () => {
    const pairs: (readonly [string, Facts])[] = [];
    for (const a of [...numbers, ...words, true, null]) {
      const of = { ...someone, metadata: { a, list: [a] } };
      for (const b of [...constants, ...words.map((word) => JSON.stringify(word))]) {
        for (const operator of ["<", "<=", ">", ">=", "==", "!="]) {
          pairs.push([`metadata.a ${operator} ${b}`, of]);
        }
        for (const call of ["startsWith", "endsWith", "contains"]) {
          pairs.push([`metadata.a.${call}(${b})`, of]);
        }
        pairs.push([`metadata.a in [${b}]`, of], [`${b} in metadata.list`, of]);
      }
    }
    for (const [source, of] of pairs) {
      const known = shortcut(source, of);
      if (known !== null) {
        expect(evaluated(source, of), `${source} of ${JSON.stringify(of.metadata)}`).to.equal(known);
      }
    }
  });

  const answered: readonly (readonly [string, boolean])[] = [
    ['has(metadata.amount) && metadata.amount > 100 && !(metadata.to.country in ["FR", "IT"])', true],
    ["has(metadata.total) && metadata.total > 100.0", false],
    ['action.type.startsWith("payment.") && agent == "bot" && label == ""', true],
    ['"invoice" in metadata.tags || metadata.amount != 125', true],
    ['metadata["amount"] <= 125 ? action.has_content : false', true],
  ];
  for (const [source, answer] of answered) {
    it(`answers ${source}`, () => {
      expect(shortcut(source, someone)).to.equal(answer);
      expect(evaluated(source, someone)).to.equal(answer);
    });
  }

  const left = [
    "metadata.total > 100",
    'metadata.amount == "125"',
    'metadata.to.country < "FR"',
    "metadata.amount in [125, true]",
    "metadata.amount > 9007199254740993",
    "metadata.amount + 1.0 > 100.0",
    'action.content.matches("p.y")',
    "metadata.tags.exists(t, t == metadata.to.country)",
    "budget.actions.left < 10",
    "metadata.amount",
  ];
  for (const source of left) {
    it(`leaves ${source} to the evaluator`, () => {
      expect(shortcut(source, someone)).to.equal(null);
    });
  }
});
