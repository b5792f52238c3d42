/** Events of actions that wait for a person. */
import type { Amounts, Common } from "./event-parts.js";

/** How an escalation ended; `expired`: nobody answered in time, or its session stopped first. */
export type Resolution = "approved" | "rejected" | "expired";

interface OfEscalation extends Common {
  readonly session_id: string | null;
  readonly session_index: number | null;
  readonly escalation_id: string;
  /** The decision that escalated the action: its entry is the one before that of the opening. */
  readonly decision_id: string;
}

/** An action waits for a person. */
export interface EscalationOpened extends OfEscalation {
  readonly event: "escalation_opened";
  readonly expires_at: number;
  /** What the action asked to be charged, or held: its approval is for no other amount. Absent when nothing. */
  readonly cost?: Amounts;
  readonly estimate?: Amounts;
}

/** It waits no more. */
export interface EscalationResolved extends OfEscalation {
  readonly event: "escalation_resolved";
  readonly resolution: Resolution;
  readonly reason: string | null;
  /** Set where it was approved by somebody who said to know that its text was lost. */
  readonly unseen?: true;
}
