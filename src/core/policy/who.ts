/** Whom an action is counted for. */
import type { ActionContext } from "./action.js";

export const counted_by = ["session", "agent", "label", "workspace"] as const;

export type CountedBy = (typeof counted_by)[number];

export interface Who {
  readonly session_id: string | null;
  readonly agent_id: string | null;
  readonly label: string | null;
}

/**
 * Whom an action is counted for. One that only says that it is of an agent, from a key that is bound to
 * no agent, neither fills that agent's counts nor passes uncounted: it counts with what has no agent.
 */
export function countedAs(who: Who, speaks_for_agent: boolean): Who {
  return speaks_for_agent ? who : { ...who, agent_id: null };
}

/** The same of an action that is judged. */
export function whoIn({ session, agent_id, label, speaks_for_agent = true }: ActionContext): Who {
  return countedAs({ session_id: session?.session_id ?? null, agent_id, label }, speaks_for_agent);
}

/**
 * The key under which an action is counted. What has no agent or no label is counted together, so that
 * leaving it out is no way round; an action without a session is counted as one of its agent's.
 */
export function keyOf(by: CountedBy, { session_id, agent_id, label }: Who): string {
  switch (by) {
    case "session":
      return session_id ?? `without a session ${nameOf(agent_id)}`;
    case "agent":
      return nameOf(agent_id);
    case "label":
      return nameOf(label);
    case "workspace":
      return "";
  }
}

/** Text for people. */
export function nameOfKey(by: CountedBy, who: Who): string {
  switch (by) {
    case "session":
      return who.session_id === null ? "actions without a session" : "this session";
    case "agent":
      return who.agent_id === null ? "actions without an agent" : `agent ${JSON.stringify(who.agent_id)}`;
    case "label":
      return who.label === null ? "actions without a label" : `label ${JSON.stringify(who.label)}`;
    case "workspace":
      return "the workspace";
  }
}

function nameOf(id: string | null): string {
  return id === null ? "" : `=${id}`;
}
