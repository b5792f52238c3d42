/** Rehearsals: the log says when one began and how it ended; what it does in between is what it rehearses. */
import type { EndDrill, StartDrill } from "./command.js";
import { type Decision, Draft } from "./decision.js";
import { idAt } from "./ids.js";
import type { State } from "./state.js";

export function startDrill(state: State, command: StartDrill): Decision {
  const draft = new Draft(state, command);
  const drill_id = idAt("drill", draft.next_sequence);
  draft.add({
    event: "drill_started",
    actor: command.actor,
    drill_id,
    scope: { kind: "agent", id: command.agent_id },
  });
  return { reply: { type: "drill", drill_id }, events: draft.events };
}

export function endDrill(state: State, command: EndDrill): Decision {
  const { actor, drill_id, session_id, outcome, elapsed_ms } = command;
  const draft = new Draft(state, command);
  draft.add({ event: "drill_ended", actor, drill_id, drill_session_id: session_id, outcome, elapsed_ms });
  return { reply: { type: "drill", drill_id }, events: draft.events };
}
