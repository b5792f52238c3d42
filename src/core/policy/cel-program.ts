/** Programs in CEL, as small as policies need them, with what their evaluation may cost told beforehand. */
import { type CelEnv, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { limits } from "../../limits.js";
import { measure } from "./cel-measure.js";
import { type Facts, shortcutOf } from "./cel-shortcut.js";
import { PolicyError } from "./error.js";
import { compilePattern, type Pattern } from "./pattern.js";
import type { Work } from "./work.js";

/** What a program is about: a member, or a getter, by each name that it may use. */
export type Bindings = object;

/** How much there is of what a caller made big. */
export interface Amount {
  /** Values in the metadata, with all that they hold. */
  readonly values: number;
  /** Characters of the texts that the program can see. */
  readonly characters: number;
}

export interface Program {
  /** The names at its roots that it reads: `action.content`, `metadata`. */
  readonly reads: ReadonlySet<string>;
  /**
   * @param facts of the same action as the bindings
   * @throws {PolicyError} when it has no answer, or finding one might take too long
   */
  run(facts: Facts, bindings: Bindings, amount: Amount, work: Work): boolean;
}

/** About what one node of a program costs, in units of work, and a character that one looks at. */
const node_units = 1;
const character_units = 0.002;

/** What runs now: there is one environment for all programs, and one program at a time. */
let running: { readonly patterns: ReadonlyMap<string, Pattern>; readonly work: Work } | null = null;

let environment: CelEnv | null = null;

function environmentOf(): CelEnv {
  environment ??= celEnv({
    re2: {
      compile: (source) => {
        const pattern = running?.patterns.get(source);
        if (running === null || pattern === undefined) {
          throw new PolicyError("", "a pattern of its own making cannot be searched for");
        }
        const { work } = running;
        return { test: (text) => pattern(text, work) };
      },
    },
  });
  return environment;
}

/**
 * @param path of the expression in the policy
 * @throws {PolicyError} for what is no such expression, too large, or uses what there is not
 */
export function compileProgram(source: string, roots: readonly string[], path: string): Program {
  const parsed = parsedFrom(source, path);
  const measured = measure(parsed.expr, roots, path);
  const patterns = new Map(measured.patterns.map((pattern) => [pattern, compilePattern(pattern, path)]));
  const evaluate = plan(environmentOf(), parsed);
  const shortcut = shortcutOf(parsed.expr);
  const { nodes, text_nodes, depth, reads } = measured;
  return {
    reads,
    run: (facts, bindings, { values, characters }, work) => {
      const rounds = depth === 0 ? 1 : (Math.max(values, nodes) + 1) ** depth;
      work.spend(rounds * (nodes * node_units + text_nodes * characters * character_units));
      const known = shortcut?.(facts) ?? null;
      if (known !== null) {
        return known;
      }
      running = { patterns, work };
      let answer: ReturnType<typeof evaluate>;
      try {
        answer = evaluate(bindings as Parameters<typeof evaluate>[0]);
      } finally {
        running = null;
      }
      if (isCelError(answer)) {
        throw errorOf(answer);
      }
      if (typeof answer !== "boolean") {
        throw new PolicyError("", "its expression is neither true nor false");
      }
      return answer;
    },
  };
}

function parsedFrom(source: string, path: string): ReturnType<typeof parse> {
  try {
    return parse(source);
  } catch (error) {
    // The parser's own text: of what the author wrote, not of any action.
    const why =
      error instanceof Error && !(error instanceof RangeError) ? error.message : "it nests too deeply";
    throw new PolicyError(path, `is no expression in CEL: ${why.slice(0, limits.policy_reason_characters)}`);
  }
}

/** Why there is no answer, in our words: those of the evaluator may repeat what the caller sent. */
function errorOf(error: { readonly message: string; readonly cause?: unknown }): PolicyError {
  if (error.cause instanceof PolicyError) {
    return error.cause;
  }
  if (error.message.startsWith("field not found")) {
    return new PolicyError(
      "",
      "its expression names a member that the action does not have: ask has(…) first",
    );
  }
  if (error.message.startsWith("found no matching overload")) {
    return new PolicyError(
      "",
      "its expression compares or computes with values of types that do not go together",
    );
  }
  return new PolicyError("", "its expression cannot be evaluated for this action");
}
