/** The types of policies. */
import type { Compiled } from "./action.js";
import { compileActionType } from "./action-type.js";
import type { PolicyDocument } from "./document.js";
import { compileThreshold } from "./threshold.js";

export interface PolicyType {
  /** Whether it judges actions, or gives and bounds the budgets of sessions that start. */
  readonly applies_to: "actions" | "budgets";
  /**
   * Makes a policy ready to judge.
   *
   * @throws {PolicyError} what is wrong with it, and where
   */
  readonly compile: (document: PolicyDocument) => Compiled;
}

/** By the policy_type of documents. */
export const policy_types: Readonly<Record<string, PolicyType>> = {
  action_type: { applies_to: "actions", compile: compileActionType },
  threshold: { applies_to: "actions", compile: compileThreshold },
};

/** The type of that name, or null. */
export function typeNamed(name: string): PolicyType | null {
  return Object.hasOwn(policy_types, name) ? (policy_types[name] as PolicyType) : null;
}
