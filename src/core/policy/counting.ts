/** What a type of policy counts, as evolve asks it: facts of sealed decisions, and no clock. */
import type { Amounts, PolicyTriggered, Verdict } from "../event-parts.js";
import type { Hold, Kept } from "./counter.js";
import type { CountedBy, Who } from "./who.js";

/** A sealed decision, as far as anything counts it. */
export interface CountedDecision {
  readonly at: number;
  readonly action_type: string;
  readonly who: Who;
  readonly verdict: Verdict;
  /** Whether it consumes an action: not one that a stop or a pause answered, nor an approved repeat. */
  readonly is_action: boolean;
  readonly triggered: readonly PolicyTriggered[];
  readonly charge: Amounts | null;
  readonly reservation: Amounts | null;
}

export interface Counting {
  /** What is counted, as text: of two versions of a policy with equal texts, the later one goes on counting. */
  readonly what: string;
  readonly by: CountedBy;
  /** How long something counts at most, in milliseconds. */
  readonly horizon_ms: number;
  /** Whether decisions on a type of action may count: asked once for each type. */
  readonly isAbout: (action_type: string) => boolean;
  readonly isCounted: (decision: CountedDecision) => boolean;
  /** Whether a decision is a reason to begin to count for a key; absent: each that is counted is one. */
  readonly begins?: (decision: CountedDecision) => boolean;
  /** @param may_grow whether it may keep more numbers than it does; where not, it never counts less for that */
  readonly add: (kept: Kept, decision: CountedDecision, may_grow: boolean) => void;
  /** Counts what a reservation came to in the end; absent: reservations are not counted. */
  readonly settle?: (kept: Kept, held: Hold, actual: Amounts, at: number) => void;
}
