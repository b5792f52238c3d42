/** Events of policies. */
import type { Common } from "./event-parts.js";
import type { PolicyDocument } from "./policy/document.js";

/** `deployed`: created or updated from files. */
export type PolicyChange = "created" | "updated" | "deleted" | "deployed";

export interface PolicyChanged extends Common {
  readonly event: "policy_changed";
  readonly change: PolicyChange;
  readonly policy_id: string;
  /** Of a policy that is deleted, the one that it had. */
  readonly version: number;
  /** The whole policy; null once it is deleted. Its numbers are numbers here and texts where sealed so. */
  readonly policy: PolicyDocument | null;
  /** Of the policies that are in force after it (policy/digest.ts). */
  readonly policy_set_digest: string;
}
