/**
 * Regular expressions in time linear in the text, whatever they are: RE2's syntax, by re2js (ADR 0037).
 * Linear is not yet short: what one search may cost is bounded here, too, so that no text that an agent
 * makes up keeps everybody else waiting.
 */
import { RE2JS, RE2JSException } from "re2js";
import { limits } from "../../limits.js";
import { PolicyError } from "./error.js";
import { needlesOf } from "./pattern-needles.js";
import { instructionsOf } from "./pattern-size.js";
import { Work } from "./work.js";

/** Tells whether a text has a match. Takes what that costs from the allowance. */
export type Pattern = (text: string, work: Work) => boolean;

/**
 * The parts of re2js that we hold: its automaton is made while it runs, keeps what it has made, and, full,
 * begins anew again and again or gives way to a search a thousand times as slow. The version is pinned, and
 * the module does not load where these parts are not as they are here.
 */
interface Program {
  readonly dfa: Automaton;
  /** Another way to match, which no bound of ours reaches. */
  onepass: unknown;
}

interface Automaton {
  memBudget: number;
  stateBudget: number;
  match(input: unknown, pos: number, anchor: number): boolean | null;
  resetCache(state: unknown): unknown;
  clearCache(): void;
}

/** Units of work, about microseconds: a character that the automaton reads, one that only a needle is sought in. */
const read_units = 0.01;
const sought_units = 0.001;
/** What it takes to fill a byte of the automaton's memory, or to begin anew with it. */
const filled_units = 0.015;

/**
 * @param path of the pattern in the policy
 * @param is_folded whether case is ignored
 * @throws {PolicyError} for what is no such expression, or too large
 */
export function compilePattern(written: string, path: string, is_folded = false): Pattern {
  const plain = written.startsWith("(?i)") ? written.slice(4) : is_folded ? written : null;
  // By itself first: `a)(b` must not become an expression within our brackets.
  const pattern = compileOne(written, path);
  if (plain === null) {
    return pattern;
  }
  const search = is_folded ? compileOne(`(?i:${written})`, path) : pattern;
  const mayMatch = needlesOf(plain);
  return mayMatch === null
    ? search
    : (text, work) => {
        work.spend(text.length * sought_units);
        return mayMatch(text, work) && search(text, work);
      };
}

function compileOne(source: string, path: string): Pattern {
  if (instructionsOf(source) > limits.pattern_instructions) {
    throw new PolicyError(path, "is too large: fewer repetitions, or smaller ones");
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    const why = error instanceof RE2JSException ? error.message : "it cannot be compiled";
    throw new PolicyError(path, `is no regular expression in RE2's syntax: ${why}`);
  }
  if (compiled.programSize() > limits.pattern_instructions) {
    throw new PolicyError(path, "is too large: fewer repetitions, or smaller ones");
  }
  return bounded(compiled);
}

const nobodys = new Work(0);

function bounded(compiled: RE2JS): Pattern {
  const program = programOf(compiled);
  program.onepass = null;
  const automaton = program.dfa;
  automaton.stateBudget = limits.pattern_memory_bytes;
  automaton.memBudget = limits.pattern_memory_bytes;
  let allowance = nobodys;
  let characters = 0;
  const match = automaton.match.bind(automaton);
  automaton.match = (input, pos, anchor) => {
    // Most texts lack what the pattern cannot do without, and are not read.
    allowance.spend(characters * read_units);
    const before = automaton.memBudget;
    const found = match(input, pos, anchor);
    allowance.spend(Math.max(0, before - automaton.memBudget) * filled_units);
    if (found === null) {
      throw tooHard();
    }
    return found;
  };
  const resetCache = automaton.resetCache.bind(automaton);
  automaton.resetCache = (state) => {
    allowance.spend(limits.pattern_memory_bytes * filled_units);
    return resetCache(state);
  };
  return (text, work) => {
    allowance = work;
    characters = text.length;
    work.spend(characters * sought_units);
    try {
      return compiled.test(text);
    } catch (error) {
      automaton.clearCache();
      throw error instanceof PolicyError ? error : tooHard();
    } finally {
      // A pattern remembers nothing of an action.
      allowance = nobodys;
    }
  };
}

function tooHard(): PolicyError {
  return new PolicyError("", "a pattern is too hard to search for in this text");
}

function programOf(compiled: RE2JS): Program {
  const { re2Input } = compiled as unknown as { readonly re2Input?: Partial<Program> };
  const automaton = re2Input?.dfa;
  if (
    re2Input?.onepass === undefined ||
    typeof automaton?.match !== "function" ||
    typeof automaton.resetCache !== "function" ||
    typeof automaton.clearCache !== "function" ||
    typeof automaton.memBudget !== "number" ||
    typeof automaton.stateBudget !== "number"
  ) {
    throw new Error("re2js is another version than the one whose automaton is bounded here");
  }
  return re2Input as Program;
}

bounded(RE2JS.compile("a.b"));
