/** What a change of a policy does to the state. */
import type { PolicyChanged } from "./event-policy.js";
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
}
