/** One action without a session: no budget applies, so only its policies and its standing do. */
import { keyOf, quoted } from "./access.js";
import type { Intercept } from "./command.js";
import { type Decision, Draft, refuse } from "./decision.js";
import { claim, withPerson } from "./escalation.js";
import { judge } from "./judge.js";
import { haltOnScope } from "./standing.js";
import type { State } from "./state.js";
import { decided, type Judgement, judged, judgedByHalt, repeated } from "./verdict.js";

/** No budget applies. */
const nobody = { session_id: null, charge: null, reservation: null, consumed: null, reserved: null };

/** Policies and standing halts only, no budget, never `terminate`: a stopped agent gets `block`. */
export function withoutSession(state: State, command: Intercept): Decision {
  const key = keyOf(state, command);
  if (key?.require_session) {
    return refuse(
      "session_required",
      "this credential must name a session: start one and send its session_id",
    );
  }
  if (
    key !== null &&
    key.agent_id !== null &&
    command.agent_id !== null &&
    key.agent_id !== command.agent_id
  ) {
    return refuse(
      "insufficient_permissions",
      `this key is bound to another agent than ${quoted(command.agent_id)}`,
    );
  }
  const agent_id = command.agent_id ?? key?.agent_id ?? null;
  const credential_id = key?.kind === "credential" ? key.key_id : null;
  const subject = { ...nobody, agent_id, credential_id };
  const stop = halted(state, agent_id, credential_id);
  if (stop !== null) {
    // It keeps no idempotency key: once it is lifted, the answer may be another.
    return decided(new Draft(state, command), { ...command, repeat: null }, stop, subject, null);
  }
  const draft = new Draft(state, command);
  // Standing goes before a repeat: no old allow passes a stop. Policies come after it.
  const standing = judged(state, agent_id);
  if (standing.decision !== "allow") {
    return decided(draft, command, standing, subject, null);
  }
  const repeat = repeated(state, draft, command);
  if (repeat !== null) {
    return repeat;
  }
  const judgement = asked(state, command, agent_id);
  // Nothing can be settled without a session, so an estimate is taken for the cost; windows count it.
  const charge = judgement.decision === "allow" ? (command.cost ?? command.estimate) : null;
  return decided(draft, command, judgement, { ...subject, charge }, null);
}

/** What policies say, and what a person has said. */
function asked(state: State, command: Intercept, agent_id: string | null): Judgement {
  const claimed = claim(state, command, agent_id);
  if (claimed?.type === "refused") {
    return claimed.judgement;
  }
  const judgement = judge(state, { ...command, agent_id }, null);
  return withPerson(state, judgement, claimed?.approval ?? null, null, agent_id);
}

/** A halt on what an action without a session stands on, from the root. */
function halted(state: State, agent_id: string | null, credential_id: string | null): Judgement | null {
  const halt =
    haltOnScope(state, "workspace", state.workspace_id) ??
    haltOnScope(state, "agent", agent_id) ??
    haltOnScope(state, "credential", credential_id);
  return halt === null ? null : judgedByHalt(halt);
}
