/** What is asked for with a change of a policy. */
import type { PolicyChange } from "../event-policy.js";
import type { PolicyDocument } from "./document.js";

export interface PolicyOrder {
  readonly change: PolicyChange;
  /** 32 hex digits, fresh and random for a new policy. */
  readonly policy_id: string;
  /** As parsePolicy gives it; null exactly to delete. */
  readonly document: PolicyDocument | null;
}
