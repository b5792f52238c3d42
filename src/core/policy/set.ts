/** The policies in force, arranged for judging: made anew when one of them changes. */
import { limits } from "../../limits.js";
import { type CompiledPolicy, compile } from "./compile.js";
import type { PolicyDocument } from "./document.js";
import { matches } from "./glob.js";
import { byPrecedence, type Policy } from "./policy.js";

/** A policy that judges actions of one type. */
export interface Judge {
  readonly policy: Policy;
  /** What to say where the policy cannot be used, which only a log of another version can bring about. */
  readonly compiled: CompiledPolicy | { readonly broken: string };
}

/** The policies that are about actions of one type, in order of precedence. */
export interface Judges {
  readonly all: readonly Judge[];
  readonly ids: readonly string[];
  /** Without those that find no action of this type, whatever else it is. */
  readonly asked: readonly Judge[];
}

const nobody: Judges = { all: [], ids: [], asked: [] };

export class PolicySet {
  readonly #judges: readonly Judge[];
  readonly #by_action_type = new Map<string, Judges>();

  constructor(policies: Iterable<Policy>) {
    this.#judges = [...policies]
      .filter(({ document }) => document.enabled)
      .sort(byPrecedence)
      .map(judgeOf)
      .filter(({ compiled }) => "broken" in compiled || compiled.judges_actions);
  }

  /** Those that are about actions of a type. */
  of(action_type: string): Judges {
    if (this.#judges.length === 0) {
      return nobody;
    }
    let judges = this.#by_action_type.get(action_type);
    if (judges === undefined) {
      const all = this.#judges.filter(({ policy }) => isAbout(policy.document, action_type));
      judges = {
        all,
        ids: all.map(({ policy }) => policy.document.policy_id),
        asked: all.filter(({ compiled }) => mayFind(compiled, action_type)),
      };
      // Types are the callers' words: there may be any number of them.
      if (this.#by_action_type.size >= limits.policy_action_types_kept) {
        this.#by_action_type.clear();
      }
      this.#by_action_type.set(action_type, judges);
    }
    return judges;
  }
}

function judgeOf(policy: Policy): Judge {
  try {
    return { policy, compiled: compile(policy.document) };
  } catch (error) {
    return { policy, compiled: { broken: (error as Error).message } };
  }
}

function mayFind(compiled: Judge["compiled"], action_type: string): boolean {
  return "broken" in compiled || compiled.mayFind?.(action_type) !== false;
}

/** Whether a policy is about actions of a type. */
export function isAbout({ action_types }: PolicyDocument, action_type: string): boolean {
  return action_types.length === 0 || action_types.some((pattern) => matches(pattern, action_type));
}

/** Sets by the map that they were made of, until that changes. */
const sets = new WeakMap<ReadonlyMap<string, Policy>, PolicySet>();

export function setOf(policies: ReadonlyMap<string, Policy>): PolicySet {
  let set = sets.get(policies);
  if (set === undefined) {
    set = new PolicySet(policies.values());
    sets.set(policies, set);
  }
  return set;
}

/** The policies of a map have changed. */
export function forgetSet(policies: ReadonlyMap<string, Policy>): void {
  sets.delete(policies);
}
