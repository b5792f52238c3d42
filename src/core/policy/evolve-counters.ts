/** What sealed entries do to the counters of policies. Total, like all of evolve. */
import type { Amounts } from "../event-parts.js";
import {
  type Counter,
  type Counters,
  forgetCounter,
  forgetKey,
  letGo,
  mayGrow,
  resize,
  touch,
} from "./counter.js";
import type { CountedDecision, Counting } from "./counting.js";
import type { PolicyDocument } from "./document.js";
import type { Policy } from "./policy.js";
import { typeNamed } from "./types.js";
import { keyOf } from "./who.js";

/** One for each document; null when nothing is counted for it. */
const countings = new WeakMap<PolicyDocument, Counting | null>();

/** What a policy counts, or null. One that does not compile counts nothing: it refuses all that it is about. */
function countingOf(document: PolicyDocument): Counting | null {
  let kept = countings.get(document);
  if (kept === undefined) {
    kept = countingNow(document);
    countings.set(document, kept);
  }
  return kept;
}

function countingNow(document: PolicyDocument): Counting | null {
  try {
    return typeNamed(document.policy_type)?.count?.(document) ?? null;
  } catch {
    return null;
  }
}

/** Sealed fact of a decision, with the place that it has in the log. */
export interface SealedDecision extends CountedDecision {
  readonly decision_id: string;
  readonly sequence: number;
  /** Whether the caller is the agent that it names: others fill nobody's counts. */
  readonly speaks_for_agent: boolean;
}

/**
 * A policy was set, or deleted when it is null. A version that counts the same goes on with what is
 * kept; another begins anew, and so does one that was switched off for a while.
 */
export function evolvePolicy(
  counters: Counters,
  policy_id: string,
  policy: Policy | null,
  sequence: number,
): void {
  const counting = policy === null || !policy.document.enabled ? null : countingOf(policy.document);
  const counter = counters.by_policy.get(policy_id);
  if (counting !== null && counter?.what === counting.what) {
    return;
  }
  forgetCounter(counters, policy_id);
  if (counting !== null) {
    counters.by_policy.set(policy_id, { what: counting.what, since: sequence, keys: new Map(), numbers: 0 });
  }
}

/** A decision counts for every policy that remembers such. */
export function evolveCounted(
  counters: Counters,
  policies: ReadonlyMap<string, Policy>,
  decision: SealedDecision,
): void {
  const held_by: [string, string][] = [];
  for (const [policy_id, counter] of counters.by_policy) {
    const counting = countingOf((policies.get(policy_id) as Policy).document);
    if (counting === null) {
      continue;
    }
    const key = count(counters, counter, counting, decision);
    if (key !== null && counting.settle !== undefined) {
      held_by.push([policy_id, key]);
    }
  }
  if (decision.reservation !== null && held_by.length > 0) {
    const { at, sequence, reservation } = decision;
    counters.holds.set(decision.decision_id, { at, sequence, ...reservation, counted_by: held_by });
  }
}

/** Returns the key under which it was counted, or null. */
function count(
  counters: Counters,
  counter: Counter,
  counting: Counting,
  decision: SealedDecision,
): string | null {
  const { by, horizon_ms } = counting;
  if (!counting.isCounted(decision) || (by === "agent" && !decision.speaks_for_agent)) {
    letGo(counters, counter, horizon_ms, decision.at);
    return null;
  }
  const key = keyOf(by, decision.who);
  if (counting.begins?.(decision) === false && !counter.keys.has(key)) {
    return null;
  }
  const kept = touch(counters, counter, key, horizon_ms, decision.at);
  if (kept === null) {
    return null;
  }
  const before = kept.numbers.length;
  counting.add(kept, decision, mayGrow(counters, counter));
  resize(counters, counter, kept.numbers.length - before);
  return key;
}

/** A reservation ended: what it held is given back, and what it came to is counted where it was held. */
export function evolveSettled(
  counters: Counters,
  policies: ReadonlyMap<string, Policy>,
  decision_id: string,
  actual: Amounts,
  at: number,
): void {
  const hold = counters.holds.get(decision_id);
  if (hold === undefined) {
    return;
  }
  counters.holds.delete(decision_id);
  for (const [policy_id, key] of hold.counted_by) {
    const counter = counters.by_policy.get(policy_id);
    const policy = policies.get(policy_id);
    const kept = counter?.keys.get(key);
    // A counter that began anew has never counted this reservation.
    if (
      counter !== undefined &&
      policy !== undefined &&
      kept !== undefined &&
      counter.since < hold.sequence
    ) {
      countingOf(policy.document)?.settle?.(kept, hold, actual, at);
    }
  }
}

/** Nothing more can come of a session that has stopped. */
export function evolveStopped(
  counters: Counters,
  policies: ReadonlyMap<string, Policy>,
  session_id: string,
): void {
  for (const [policy_id, counter] of counters.by_policy) {
    if (countingOf((policies.get(policy_id) as Policy).document)?.by === "session") {
      forgetKey(counters, counter, keyOf("session", { session_id, agent_id: null, label: null }));
    }
  }
}
