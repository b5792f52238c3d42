/** `threshold`: a number in the action's metadata, against a number of the policy. */
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { Json, PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";

const operators = {
  gt: [(a: number, b: number) => a > b, "above"],
  gte: [(a: number, b: number) => a >= b, "at least"],
  lt: [(a: number, b: number) => a < b, "below"],
  lte: [(a: number, b: number) => a <= b, "at most"],
  eq: [(a: number, b: number) => a === b, "equal to"],
  ne: [(a: number, b: number) => a !== b, "other than"],
} as const;

/** Characters of a path. */
const path_characters_max = 256;

/**
 * What cannot be compared is decided by `missing`: a policy that restricts is about it too, unless it
 * says otherwise, so that a caller does not get past it by leaving the number out or writing it as text.
 */
export function compileThreshold(document: PolicyDocument): Compiled {
  const conditions = Conditions.of(document);
  const path = conditions.text("path", path_characters_max);
  const steps = stepsOf(path, conditions.at("path"));
  const operator = conditions.choice("operator", Object.keys(operators) as (keyof typeof operators)[]);
  const limit = conditions.number("value");
  const missing = conditions.choice(
    "missing",
    ["match", "pass"],
    document.decision === "allow" ? "pass" : "match",
  );
  conditions.end();
  const [compare, words] = operators[operator];
  const unknown = missing === "pass" ? null : { reason: `metadata${path} is no number that can be compared` };
  // The number itself is the caller's, and may be erased: what is sealed for ever does not repeat it.
  const found = { reason: `metadata${path} is ${words} ${limit}` };
  return {
    reads_text: false,
    judge: ({ metadata }) => {
      const value = find(metadata, steps);
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return unknown;
      }
      return compare(value, limit) ? found : null;
    },
  };
}

/** RFC 6901. */
function stepsOf(path: string, at: string): readonly string[] {
  if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(path)) {
    throw new PolicyError(at, "must be a path like /payment/amount, with ~1 for / and ~0 for ~ in a name");
  }
  return path
    .split("/")
    .slice(1)
    .map((each) => each.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function find(metadata: Json, steps: readonly string[]): Json | undefined {
  let value: Json | undefined = metadata;
  for (const name of steps) {
    if (typeof value !== "object" || value === null) {
      return undefined;
    }
    if (Array.isArray(value)) {
      value = /^(0|[1-9]\d*)$/.test(name) ? (value as readonly Json[])[Number(name)] : undefined;
    } else {
      value = Object.hasOwn(value, name) ? (value as { readonly [name: string]: Json })[name] : undefined;
    }
  }
  return value;
}
