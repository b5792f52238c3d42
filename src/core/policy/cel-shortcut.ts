/**
 * Answers the expressions that policies mostly are without the evaluator, which takes ten times as long:
 * comparisons of texts and numbers in metadata, `has`, `in`, and what joins them. It answers true or false
 * only where types leave no doubt; all else, and every error, is left to the evaluator.
 * test/core/policy/cel-shortcut.test.ts holds the two alike.
 */
import type { parse } from "@bufbuild/cel";
import type { ActionContext } from "./action.js";

type Expr = ReturnType<typeof parse>["expr"];

/** What it can read of an action. */
export type Facts = Pick<ActionContext, "action_type" | "content" | "metadata" | "agent_id" | "label">;

/** Whether the expression is true; null where the evaluator has to tell. */
export type Shortcut = (facts: Facts) => boolean | null;

/** A value as it is in JSON; undefined where the evaluator has to tell. */
type Term = (facts: Facts) => unknown;

/** Returns null for an expression of another shape. */
export function shortcutOf(expr: Expr): Shortcut | null {
  const term = termOf(expr);
  if (term === null) {
    return null;
  }
  return (facts) => {
    const value = term(facts);
    return typeof value === "boolean" ? value : null;
  };
}

function termOf(expr: Expr | undefined): Term | null {
  const kind = expr?.exprKind;
  switch (kind?.case) {
    case "constExpr": {
      const value = constantOf(expr);
      return value === undefined ? null : () => value;
    }
    case "identExpr":
      return roots.get(kind.value.name) ?? null;
    case "selectExpr":
      return memberOf(kind.value.operand, kind.value.field, kind.value.testOnly);
    case "callExpr":
      return kind.value.target === undefined
        ? callOf(kind.value.function, kind.value.args)
        : textCallOf(kind.value.function, [kind.value.target, ...kind.value.args]);
    default:
      return null;
  }
}

const roots: ReadonlyMap<string, Term> = new Map<string, Term>([
  ["metadata", ({ metadata }) => metadata ?? {}],
  ["agent", ({ agent_id }) => agent_id ?? ""],
  ["label", ({ label }) => label ?? ""],
]);

const of_action: ReadonlyMap<string, Term> = new Map<string, Term>([
  ["type", ({ action_type }) => action_type],
  ["content", ({ content }) => content ?? ""],
  ["has_content", ({ content }) => content !== null],
]);

/** A whole number counts as a number: CEL compares them by their value. */
function constantOf(expr: Expr | undefined): string | number | boolean | undefined {
  const kind = expr?.exprKind;
  const constant = kind?.case === "constExpr" ? kind.value.constantKind : undefined;
  switch (constant?.case) {
    case "stringValue":
    case "boolValue":
    case "doubleValue":
      return constant.value;
    case "int64Value": {
      const number = Number(constant.value);
      return Number.isSafeInteger(number) ? number : undefined;
    }
    default:
      return undefined;
  }
}

function memberOf(operand: Expr | undefined, name: string, is_asked: boolean): Term | null {
  const kind = operand?.exprKind;
  if (kind?.case === "identExpr" && kind.value.name === "action") {
    return is_asked ? null : (of_action.get(name) ?? null);
  }
  const object = termOf(operand);
  if (object === null) {
    return null;
  }
  return (facts) => {
    const value = object(facts);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return undefined;
    }
    const member = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    // To the evaluator, what is null is not there.
    return is_asked ? member !== undefined && member !== null : member;
  };
}

const comparisons: ReadonlyMap<string, (a: number, b: number) => boolean> = new Map([
  ["_<_", (a, b) => a < b],
  ["_<=_", (a, b) => a <= b],
  ["_>_", (a, b) => a > b],
  ["_>=_", (a, b) => a >= b],
]);

function callOf(name: string, args: readonly Expr[]): Term | null {
  if (name === "@in") {
    return oneOf(args);
  }
  if (name === "_[_]") {
    const key = constantOf(args[1]);
    return typeof key === "string" ? memberOf(args[0], key, false) : null;
  }
  const terms = args.map(termOf);
  if (terms.includes(null)) {
    return null;
  }
  const [a, b, c] = terms as [Term, Term, Term];
  const compare = comparisons.get(name);
  if (compare !== undefined) {
    return (facts) => {
      const [x, y] = [a(facts), b(facts)];
      return typeof x === "number" && typeof y === "number" ? compare(x, y) : undefined;
    };
  }
  switch (name) {
    case "_&&_":
      return joined(terms as Term[], false);
    case "_||_":
      return joined(terms as Term[], true);
    case "!_":
      return (facts) => {
        const x = a(facts);
        return typeof x === "boolean" ? !x : undefined;
      };
    case "_==_":
      return (facts) => equal(a(facts), b(facts));
    case "_!=_":
      return (facts) => {
        const is_equal = equal(a(facts), b(facts));
        return is_equal === undefined ? undefined : !is_equal;
      };
    case "_?_:_":
      return (facts) => {
        const x = a(facts);
        return typeof x === "boolean" ? (x ? b(facts) : c(facts)) : undefined;
      };
    default:
      return null;
  }
}

/** The first that is `decisive` is the answer. */
function joined(terms: readonly Term[], decisive: boolean): Term {
  return (facts) => {
    for (const term of terms) {
      const value = term(facts);
      if (value !== !decisive) {
        return value === decisive ? decisive : undefined;
      }
    }
    return !decisive;
  };
}

/** Of texts, numbers, or truths, two of a kind. */
function equal(a: unknown, b: unknown): boolean | undefined {
  const kind = typeof a;
  return kind === typeof b && (kind === "string" || kind === "number" || kind === "boolean")
    ? a === b
    : undefined;
}

/** A text or number in a list of texts or numbers, which is written out or in the metadata. */
function oneOf([sought, among]: readonly Expr[]): Term | null {
  const term = termOf(sought);
  const list = listOf(among);
  if (term === null || list === null) {
    return null;
  }
  return (facts) => {
    const value = term(facts);
    const values = list(facts);
    if ((typeof value !== "string" && typeof value !== "number") || !Array.isArray(values)) {
      return undefined;
    }
    let is_in = false;
    for (const each of values) {
      const is_equal = equal(value, each);
      if (is_equal === undefined) {
        return undefined;
      }
      is_in ||= is_equal;
    }
    return is_in;
  };
}

function listOf(expr: Expr | undefined): Term | null {
  const kind = expr?.exprKind;
  if (kind?.case !== "listExpr") {
    return termOf(expr);
  }
  const values = kind.value.elements.map(constantOf);
  return values.includes(undefined) || kind.value.optionalIndices.length > 0 ? null : () => values;
}

function textCallOf(name: string, args: readonly Expr[]): Term | null {
  const [a, b] = args.map(termOf);
  const find = text_calls.get(name);
  if (a === null || a === undefined || b === null || b === undefined || find === undefined) {
    return null;
  }
  return (facts) => {
    const [text, part] = [a(facts), b(facts)];
    return typeof text === "string" && typeof part === "string" ? find(text, part) : undefined;
  };
}

const text_calls: ReadonlyMap<string, (text: string, part: string) => boolean> = new Map([
  ["startsWith", (text, part) => text.startsWith(part)],
  ["endsWith", (text, part) => text.endsWith(part)],
  ["contains", (text, part) => text.includes(part)],
]);
