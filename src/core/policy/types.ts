/** The types of policies. */
import type { Compiled } from "./action.js";
import { compileActionType } from "./action-type.js";
import { compileCeiling } from "./ceiling.js";
import { compileCel } from "./cel.js";
import { compileContentPattern } from "./content-pattern.js";
import type { Counting } from "./counting.js";
import { compileDefault } from "./default.js";
import type { PolicyDocument } from "./document.js";
import { compileLoop } from "./loop.js";
import { compileRate, countRate } from "./rate.js";
import { compileSequence, countSequence } from "./sequence.js";
import { compileTemporal } from "./temporal.js";
import { compileThreshold } from "./threshold.js";
import { compileWindow, countWindow } from "./window.js";

export interface PolicyType {
  /** Whether it judges actions, or gives and bounds the budgets of sessions that start. */
  readonly applies_to: "actions" | "budgets";
  /**
   * Makes a policy ready to judge.
   *
   * @throws {PolicyError} what is wrong with it, and where
   */
  readonly compile: (document: PolicyDocument) => Compiled;
  /** What it counts of sealed decisions; absent: nothing. */
  readonly count?: (document: PolicyDocument) => Counting;
}

/** By the policy_type of documents. */
export const policy_types: Readonly<Record<string, PolicyType>> = {
  action_type: { applies_to: "actions", compile: compileActionType },
  content_pattern: { applies_to: "actions", compile: compileContentPattern },
  threshold: { applies_to: "actions", compile: compileThreshold },
  temporal: { applies_to: "actions", compile: compileTemporal },
  cel: { applies_to: "actions", compile: compileCel },
  rate: { applies_to: "actions", compile: compileRate, count: countRate },
  sequence: { applies_to: "actions", compile: compileSequence, count: countSequence },
  loop: { applies_to: "actions", compile: compileLoop },
  window: { applies_to: "actions", compile: compileWindow, count: countWindow },
  default: { applies_to: "budgets", compile: compileDefault },
  ceiling: { applies_to: "budgets", compile: compileCeiling },
};

/** The type of that name, or null. */
export function typeNamed(name: string): PolicyType | null {
  return Object.hasOwn(policy_types, name) ? (policy_types[name] as PolicyType) : null;
}
