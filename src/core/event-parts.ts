/** What events are made of: members that several of them have, or that others read by themselves. */

export type Verdict = "allow" | "block" | "escalate" | "terminate";

/** Totals of a session: what is spent. */
export interface Consumed {
  readonly actions: number;
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

export interface Reserved {
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

/** A policy that had a say in a verdict; built-in ones have ids that begin with `__`. */
export interface PolicyTriggered {
  readonly policy_id: string;
  readonly name: string;
  readonly decision: Verdict;
  readonly reason: string;
}

/** Where an action stands among others, as the caller says. */
export interface Chain {
  readonly chain_id: string | null;
  readonly chain_step: number | null;
  readonly parent_decision_id: string | null;
}
