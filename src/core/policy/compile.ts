/** Policies made ready to judge, once a version. */
import type { Compiled } from "./action.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import { typeNamed } from "./types.js";

export interface CompiledPolicy extends Compiled {
  /** False for a policy that gives or bounds budgets. */
  readonly judges_actions: boolean;
}

/** One for each document, which is one object from its parse to its place in the state. */
const compiled = new WeakMap<PolicyDocument, CompiledPolicy | PolicyError>();

/**
 * @throws {PolicyError} what is wrong with the policy, and where; the same each time
 */
export function compile(document: PolicyDocument): CompiledPolicy {
  let kept = compiled.get(document);
  if (kept === undefined) {
    kept = compileNow(document);
    compiled.set(document, kept);
  }
  if (kept instanceof PolicyError) {
    throw kept;
  }
  return kept;
}

function compileNow(document: PolicyDocument): CompiledPolicy | PolicyError {
  try {
    const type = typeNamed(document.policy_type);
    if (type === null) {
      return new PolicyError("/policy_type", `there is no type ${JSON.stringify(document.policy_type)}`);
    }
    return { ...type.compile(document), judges_actions: type.applies_to === "actions" };
  } catch (error) {
    return error instanceof PolicyError ? error : new PolicyError("", String(error));
  }
}
