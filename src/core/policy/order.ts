/** What is asked for with a change of a policy. */
import type { PolicyChange } from "../event-policy.js";
import type { JsonObject, PolicyDocument } from "./document.js";

export interface PolicyOrder {
  readonly change: PolicyChange;
  /** 32 hex digits, fresh and random for a new policy. */
  readonly policy_id: string;
  /** What parsePolicy takes: it is parsed in the decision, so that nothing else gets sealed; null exactly to delete. */
  readonly written: JsonObject | null;
  readonly source: PolicyDocument["source"];
}

export interface StampedPolicyOrder extends PolicyOrder {
  /** Of what will be in force (policiesAfter); stamped by the sequencer, which can hash. */
  readonly policy_set_digest: string;
}
