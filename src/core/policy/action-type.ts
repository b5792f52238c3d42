/** `action_type`: every action of the types that the policy names. */
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";

export function compileActionType(document: PolicyDocument): Compiled {
  Conditions.of(document).end();
  return {
    reads_text: false,
    judge: ({ action_type }) => ({ reason: `${action_type} is one of its action_types` }),
  };
}
