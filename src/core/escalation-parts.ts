/** What the state holds of actions that wait for a person, or were approved and not done yet. */
import type { Amounts } from "./event-parts.js";

/** What a decision escalated: an action, bound by its digests. */
export interface Escalating {
  readonly decision_id: string;
  readonly session_id: string | null;
  readonly agent_id: string | null;
  /** The key that asked. */
  readonly asked_by: string | null;
  readonly action_type: string;
  readonly action_digest: string | null;
  readonly details_digest: string | null;
  /** Of the digests; null without any, and where the details were erased. */
  readonly salt: string | null;
}

/** An action that waits for a person. */
export interface Escalation extends Escalating {
  readonly escalation_id: string;
  /** Index of the entry that opened it. */
  readonly sequence: number;
  readonly opened_at: number;
  readonly expires_at: number;
  readonly cost: Amounts | null;
  readonly estimate: Amounts | null;
}

/** One that a person has approved and nobody has used. */
export interface Approval extends Escalation {
  readonly approved_at: number;
  readonly approved_by: string;
  readonly reason: string | null;
}
