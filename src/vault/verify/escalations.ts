/** What entries say of actions that waited for a person. */
import type { EnforcementDecision, EscalationOpened, EscalationResolved } from "./content.js";
import { isAllow } from "./permissions.js";
import type { State } from "./state.js";

/** Takes an opening or an answer into the state. */
export function noteEscalation(state: State, content: EscalationOpened | EscalationResolved): void {
  const { escalation_id } = content;
  if (content.event === "escalation_opened") {
    state.escalations.set(escalation_id, { session_id: content.session_id, resolution: null, used: false });
    return;
  }
  const escalation = state.escalations.get(escalation_id);
  if (escalation !== undefined) {
    escalation.resolution = content.resolution;
  }
}

/** An allow that names an escalation uses its approval. */
export function noteUse(state: State, content: EnforcementDecision): void {
  const escalation =
    content.escalation_id === null ? undefined : state.escalations.get(content.escalation_id);
  if (escalation !== undefined && isAllow(content)) {
    escalation.used = true;
  }
}
