/** Whether an action that names an escalation is the one that was escalated: text and metadata are held against what was sealed. */
import type { Intercept } from "../core/command.js";
import type { Escalation } from "../core/escalation-parts.js";
import type { State } from "../core/state.js";
import { makeDetails } from "../vault/details.js";
import { type ActionText, textOf } from "./action-texts.js";

/** Says on a command whether its action is that of the escalation that it names. */
export function stampEscalation(state: Readonly<State>, command: Intercept): Intercept {
  if (command.escalation === undefined) {
    return command;
  }
  const { escalation_id } = command.escalation;
  const escalation = state.escalations.get(escalation_id) ?? state.approvals.get(escalation_id);
  const same_action = escalation !== undefined && isOf(escalation, textOf(command));
  return { ...command, escalation: { escalation_id, same_action } };
}

/** Whether a text has the digests that were sealed of an escalated action. */
export function isOf(
  { salt, action_digest, details_digest }: Pick<Escalation, "salt" | "action_digest" | "details_digest">,
  text: ActionText | null,
): boolean {
  if (text === null || (text.action_content === null && text.metadata === null)) {
    return action_digest === null && details_digest === null;
  }
  // Details that were erased took the salt along: nothing can be held against them any more.
  if (salt === null) {
    return false;
  }
  const whole = makeDetails({ salt, ...text });
  // An entry without room for them holds their digest instead.
  const brief = makeDetails({ salt, ...text }, 0);
  return (
    whole.action_digest === action_digest &&
    (whole.details_digest === details_digest || brief.details_digest === details_digest)
  );
}
