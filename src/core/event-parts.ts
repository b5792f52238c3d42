/** What events are made of: members that several of them have, or that others read by themselves. */
import type { Actor } from "./actor.js";
import type { Idempotency } from "./idempotency.js";

/** Members of every event. */
export interface Common {
  readonly at: number;
  readonly actor: Actor;
  readonly request_id?: string;
  readonly idempotency?: Idempotency;
}

/** Members of an event of one session. */
export interface OfSession {
  readonly session_id: string;
  /** Place among the entries of the session, 0 and up, without gaps. */
  readonly session_index: number;
}

/** An earlier entry that an event follows from. */
export interface Cause {
  readonly event: string;
  readonly sequence: number;
}

export type Verdict = "allow" | "block" | "escalate" | "terminate";

/** What budgets count; of a cost only the last two. */
export type Unit = "actions" | "tokens" | "cost_usd_micros";

/** A cost, or what is held for one: whole numbers from 0 to 2^53-1. */
export interface Amounts {
  readonly tokens: number;
  readonly cost_usd_micros: number;
}

/** Totals of a session: what is spent. */
export interface Consumed extends Amounts {
  readonly actions: number;
}

/** A policy that had a say in a verdict; built-in ones have ids that begin with `__`. */
export interface PolicyTriggered {
  readonly policy_id: string;
  readonly name: string;
  readonly decision: Verdict;
  readonly reason: string;
  /** Of those that are not built in. */
  readonly version?: number;
  readonly priority?: number;
  readonly policy_type?: string;
}

/** What a policy that allows an action has to say to the caller. */
export interface PolicyWarning {
  readonly policy_id: string;
  readonly message: string;
}

/** Where an action stands among others, as the caller says. */
export interface Chain {
  readonly chain_id: string | null;
  readonly chain_step: number | null;
  readonly parent_decision_id: string | null;
}
