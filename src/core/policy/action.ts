/** What a policy is asked about, and what it finds. */
import type { Amounts, Verdict } from "../event-parts.js";
import type { Counters } from "./counter.js";
import type { JsonObject } from "./document.js";
import type { LoopFound } from "./loop-search.js";
import type { Work } from "./work.js";

/** One action, as every type of policy sees it. */
export interface ActionContext {
  /** Engine time, milliseconds since 1970. */
  readonly at: number;
  readonly action_type: string;
  /** Exactly what the caller sent; null when it sent no text. */
  readonly content: string | null;
  readonly metadata: JsonObject | null;
  /** Of the session where there is one, else what the request or its key says. */
  readonly agent_id: string | null;
  readonly label: string | null;
  /** False of one whose caller may not be the agent that it names; absent: true. */
  readonly speaks_for_agent?: boolean;
  /** As it is before the action counts. */
  readonly session: SessionContext | null;
  /** What it costs, known beforehand; and what is to be held for it until that is known. */
  readonly cost: Amounts | null;
  readonly estimate: Amounts | null;
  /** True of one that a person has approved: it was counted as an action when it was asked for. */
  readonly asked_before?: boolean;
  /** What policies remember of earlier actions. */
  readonly counters: Counters;
  /** Loops that it goes on with. */
  readonly loops: readonly LoopFound[];
  /** What judging may still cost in this decision: whatever reads what a caller made big asks it first. */
  readonly work: Work;
}

/** A limit, null for none, and what is spent and held of it. */
export interface BudgetContext {
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
  readonly overrun: number;
}

/** What policies see of a session. */
export interface SessionContext {
  readonly session_id: string;
  readonly status: string;
  /** Parents above it. */
  readonly level: number;
  readonly started_at: number;
  readonly actions: BudgetContext;
  readonly tokens: BudgetContext;
  readonly cost_usd_micros: BudgetContext;
}

/** That an action is one that the policy is about, and why: half a sentence, without text of the action. */
export interface Finding {
  readonly reason: string;
  /** Instead of the policy's own. */
  readonly decision?: Verdict;
}

/** A policy made ready. Knows no clock and no disk, keeps nothing, and gives equal answers to equal actions. */
export interface Compiled {
  /** Whether it reads the action's text, which is never sealed: it cannot be judged again later. */
  readonly reads_text: boolean;
  /**
   * @returns null when the policy is not about this action
   * @throws {PolicyError} when that cannot be told: the action is refused, and its message says why
   */
  judge(context: ActionContext): Finding | null;
}
