/** Escalated actions on a workspace in memory: what policies would say is given here. */
import type { Actor } from "../../src/core/actor.js";
import type { Intercept } from "../../src/core/command.js";
import { Draft } from "../../src/core/decision.js";
import { withPerson } from "../../src/core/escalation.js";
import type { Event } from "../../src/core/event.js";
import type { Verdict } from "../../src/core/event-parts.js";
import { consumedBy, reservedBy } from "../../src/core/stop.js";
import { builtIn, decided, type Judgement, type Subject } from "../../src/core/verdict.js";
import { intercept } from "./asking.js";
import type { Workspace } from "./workspace.js";

/** What a policy says that wants a person. */
export const wants_person: Judgement = {
  decision: "escalate",
  path: "standard",
  reasoning: "a person has to see this",
  triggered: builtIn("p", "large transfers", "escalate", "a person has to see this"),
};

/** What an action says: digests of tests are the text itself. */
export function said(text: string): Partial<Intercept> {
  return {
    action_digest: text,
    action_length: text.length,
    details_digest: `d ${text}`,
    details_salt: "salt",
  };
}

/**
 * Has a policy escalate an action, where there is room for one more that waits. Returns the escalation's
 * id, or null where it was blocked.
 */
export function escalate(
  workspace: Workspace,
  actor: Actor,
  session_id: string | null,
  more: Partial<Intercept> = {},
): string | null {
  const { state, now: at } = workspace;
  const command = { ...intercept(actor, session_id, more), at, request_id: null } as Intercept;
  const draft = new Draft(state, command);
  const session = session_id === null ? undefined : state.sessions.get(session_id);
  const agent_id = session?.agent_id ?? command.agent_id;
  const judgement = withPerson(state, wants_person, null, session_id, agent_id);
  const subject: Subject = {
    session_id,
    agent_id,
    credential_id: session?.credential_id ?? null,
    charge: null,
    reservation: null,
    consumed: session === undefined ? null : consumedBy(session, 1),
    reserved: session === undefined ? null : reservedBy(session),
  };
  decided(draft, command, judgement, subject, null);
  for (const event of draft.events) {
    workspace.apply(event);
  }
  const opened = draft.events.at(-1);
  return opened?.event === "escalation_opened" ? opened.escalation_id : null;
}

/** Asks for an action again with its escalation. */
export function repeatWith(
  actor: Actor,
  session_id: string | null,
  escalation_id: string,
  more: Partial<Intercept> = {},
) {
  return intercept(actor, session_id, { escalation: { escalation_id, same_action: null }, ...more });
}

/** The verdict among some events, with the built-in policy that gave it, if one did. */
export function verdictIn(events: readonly Event[]): readonly [Verdict | null, string?] {
  const decision = events.find((event) => event.event === "enforcement_decision");
  if (decision?.event !== "enforcement_decision") {
    return [null];
  }
  const policy = decision.policies_triggered[0]?.policy_id;
  return policy === undefined ? [decision.decision] : [decision.decision, policy];
}
