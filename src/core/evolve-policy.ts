/** What changes of policies do to the state, and what sealed decisions do to what policies remember. */
import type { EnforcementDecision } from "./event.js";
import type { ReservationSettled } from "./event-budget.js";
import type { PolicyChanged } from "./event-policy.js";
import { speaksForAgent } from "./evolve-session.js";
import { evolveCounted, evolvePolicy, evolveSettled, evolveStopped } from "./policy/evolve-counters.js";
import { forgetSet } from "./policy/set.js";
import type { State } from "./state.js";

export function changePolicy(state: State, event: PolicyChanged, sequence: number): void {
  const before = state.policies.get(event.policy_id);
  if (event.policy === null) {
    state.policies.delete(event.policy_id);
  } else {
    state.policies.set(event.policy_id, {
      document: event.policy,
      version: event.version,
      sequence,
      created_at: before?.created_at ?? event.at,
      updated_at: event.at,
    });
  }
  forgetSet(state.policies);
  state.policy_set_digest = event.policy_set_digest;
  evolvePolicy(state.counters, event.policy_id, state.policies.get(event.policy_id) ?? null, sequence);
}

/** @param is_action whether it consumed an action */
export function countDecision(
  state: State,
  event: EnforcementDecision,
  sequence: number,
  is_action: boolean,
): void {
  if (state.counters.by_policy.size === 0 || (!is_action && event.decision !== "allow")) {
    return;
  }
  const { at, decision_id, action_type, decision, session_id, agent_id, charge, reservation } = event;
  const label = session_id === null ? null : (state.sessions.get(session_id)?.label ?? null);
  evolveCounted(state.counters, state.policies, {
    at,
    sequence,
    decision_id,
    action_type,
    who: { session_id, agent_id, label },
    verdict: decision,
    is_action,
    speaks_for_agent: speaksForAgent(state, event),
    triggered: event.policies_triggered,
    charge,
    reservation,
  });
}

/** A reservation came to what the agent reported, or to what was charged where it said nothing. */
export function settleCounted(state: State, { decision_id, reported, spent, at }: ReservationSettled): void {
  evolveSettled(state.counters, state.policies, decision_id, reported ?? spent, at);
}

/** Policies remember nothing of a session that has stopped. */
export function forgetSession(state: State, session_id: string): void {
  evolveStopped(state.counters, state.policies, session_id);
}
