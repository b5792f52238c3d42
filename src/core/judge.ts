/** What policies say of an action: asked after the actions budget and before all others. */
import type { Intercept } from "./command.js";
import type { Draft } from "./decision.js";
import type { Session, State } from "./state.js";
import { type Judgement, judged } from "./verdict.js";

/**
 * The judgement of an action that standing, time, pauses, repeats and its actions budget let through.
 * Only one that allows is asked for its cost afterwards.
 *
 * @param session null for an action without one
 */
export function judge(state: State, _draft: Draft, command: Intercept, session: Session | null): Judgement {
  return judged(state, session?.agent_id ?? command.agent_id);
}
