/** Reads a parsed CEL expression: how large it is, how deeply it loops, what it uses. */
import type { parse } from "@bufbuild/cel";
import { limits } from "../../limits.js";
import { PolicyError } from "./error.js";

type Expr = ReturnType<typeof parse>["expr"];

/** What stands in `reads` for the action's text, which is never sealed. */
export const text_root = "action.content";

const of_text: ReadonlySet<string> = new Set(["content", "has_content"]);

export interface Measured {
  readonly nodes: number;
  /** Of these, those that may look at every character of a text. */
  readonly text_nodes: number;
  /** Loops within each other; one that builds a list counts twice, since it copies it. */
  readonly depth: number;
  readonly reads: ReadonlySet<string>;
  /** Regular expressions that it searches for. */
  readonly patterns: readonly string[];
}

/** Operators and functions that there are. Those of time depend on the machine: `time` has what is needed. */
const functions: ReadonlySet<string> = new Set([
  ..."_?_:_ _&&_ _||_ !_ @not_strictly_false _==_ _!=_ _<_ _<=_ _>_ _>=_ _+_ _-_ _*_ _/_ _%_ -_ @in _[_]".split(
    " ",
  ),
  ..."size contains startsWith endsWith matches int uint double string bool type dyn".split(" "),
]);

const text_functions: ReadonlySet<string> = new Set(
  "size contains startsWith endsWith matches _+_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in string int double".split(
    " ",
  ),
);

/**
 * @param roots names that an expression may begin with
 * @throws {PolicyError}
 */
export function measure(expr: Expr, roots: readonly string[], path: string): Measured {
  const reader = new Reader(new Set(roots), path);
  reader.read(expr, new Set(), 0);
  return reader;
}

class Reader implements Measured {
  nodes = 0;
  text_nodes = 0;
  depth = 0;
  readonly reads = new Set<string>();
  readonly patterns: string[] = [];
  readonly #roots: ReadonlySet<string>;
  readonly #path: string;

  constructor(roots: ReadonlySet<string>, path: string) {
    this.#roots = roots;
    this.#path = path;
  }

  /** @param locals variables of the loops around it */
  read(expr: Expr | undefined, locals: ReadonlySet<string>, depth: number): void {
    this.nodes += 1;
    this.depth = Math.max(this.depth, depth);
    if (this.nodes > limits.cel_nodes || depth > limits.cel_loops) {
      throw this.#wrong(depth > limits.cel_loops ? "loops too deeply" : "is too large");
    }
    const kind = expr?.exprKind;
    switch (kind?.case) {
      case "identExpr":
        this.#name(kind.value.name, locals);
        return;
      case "selectExpr":
        if (isRoot(kind.value.operand, "action", locals)) {
          this.reads.add(of_text.has(kind.value.field) ? text_root : "action");
          return;
        }
        this.read(kind.value.operand, locals, depth);
        return;
      case "callExpr":
        this.#call(kind.value, locals, depth);
        return;
      case "listExpr":
        for (const each of kind.value.elements) {
          this.read(each, locals, depth);
        }
        return;
      case "structExpr":
        if (kind.value.messageName !== "") {
          throw this.#wrong(`knows no type ${JSON.stringify(kind.value.messageName)}`);
        }
        for (const { keyKind, value } of kind.value.entries) {
          this.read(keyKind.case === "mapKey" ? keyKind.value : undefined, locals, depth);
          this.read(value, locals, depth);
        }
        return;
      case "comprehensionExpr":
        this.#loop(kind.value, locals, depth);
        return;
      default:
        return;
    }
  }

  #name(name: string, locals: ReadonlySet<string>): void {
    if (locals.has(name)) {
      return;
    }
    if (!this.#roots.has(name)) {
      throw this.#wrong(`knows no ${JSON.stringify(name)}: there is ${[...this.#roots].join(", ")}`);
    }
    // By itself it may be read in any way: also its text.
    this.reads.add(name === "action" ? text_root : name);
  }

  #call(call: Call, locals: ReadonlySet<string>, depth: number): void {
    if (!functions.has(call.function)) {
      throw this.#wrong(`knows no function ${JSON.stringify(call.function)}`);
    }
    if (text_functions.has(call.function)) {
      this.text_nodes += 1;
    }
    if (call.function === "matches") {
      this.patterns.push(this.#pattern(call.args.at(-1)));
    }
    for (const each of call.target === undefined ? call.args : [call.target, ...call.args]) {
      this.read(each, locals, depth);
    }
  }

  #pattern(expr: Expr | undefined): string {
    const kind = expr?.exprKind;
    const constant = kind?.case === "constExpr" ? kind.value.constantKind : undefined;
    if (constant?.case !== "stringValue" || constant.value.length > limits.pattern_characters) {
      throw this.#wrong("matches(…) takes a pattern that is written out");
    }
    return constant.value;
  }

  #loop(loop: Loop, locals: ReadonlySet<string>, depth: number): void {
    const within = new Set([...locals, loop.iterVar, loop.iterVar2, loop.accuVar]);
    const builds = loop.accuInit?.exprKind.case !== "constExpr";
    const deeper = depth + (builds ? 2 : 1);
    this.read(loop.iterRange, locals, depth);
    this.read(loop.accuInit, locals, depth);
    this.read(loop.loopCondition, within, deeper);
    this.read(loop.loopStep, within, deeper);
    this.read(loop.result, within, depth);
  }

  #wrong(why: string): PolicyError {
    return new PolicyError(this.#path, `the expression ${why}`);
  }
}

type Kind<Case> =
  Extract<Expr["exprKind"], { readonly case: Case }> extends { readonly value: infer Value } ? Value : never;
type Call = Kind<"callExpr">;
type Loop = Kind<"comprehensionExpr">;

function isRoot(expr: Expr | undefined, name: string, locals: ReadonlySet<string>): boolean {
  const kind = expr?.exprKind;
  return kind?.case === "identExpr" && kind.value.name === name && !locals.has(name);
}
