/** Commands about actions that wait for a person, and what an action says of the one that it brings. */
import type { Common } from "./command-parts.js";

/** The escalation whose approval an action brings. */
export interface EscalationNamed {
  readonly escalation_id: string;
  /** Whether text and metadata are those that were escalated; stamped by the sequencer, which can hash. */
  readonly same_action: boolean | null;
}

/** A person answers an escalation. */
export interface ResolveEscalation extends Common {
  readonly type: "resolve_escalation";
  readonly escalation_id: string;
  readonly resolution: "approved" | "rejected";
  readonly reason: string | null;
  /** Whether it is approved although its text was lost. */
  readonly unseen: boolean;
}

/** The engine's timer: nobody has answered an escalation in time. */
export interface ExpireEscalation extends Common {
  readonly type: "expire_escalation";
  readonly escalation_id: string;
}
