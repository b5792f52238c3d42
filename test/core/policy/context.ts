/** An action as policies see it, with nothing special about it. */
import type { ActionContext } from "../../../src/core/policy/action.js";
import { noCounters } from "../../../src/core/policy/counter.js";
import { Work } from "../../../src/core/policy/work.js";
import { limits } from "../../../src/limits.js";

export function contextOf(more: Partial<ActionContext> = {}): ActionContext {
  return {
    at: Date.UTC(2026, 0, 5, 12),
    action_type: "pay",
    content: null,
    metadata: null,
    agent_id: "bot",
    label: null,
    session: null,
    cost: null,
    estimate: null,
    counters: noCounters(),
    loops: [],
    work: new Work(limits.policy_work),
    ...more,
  };
}
