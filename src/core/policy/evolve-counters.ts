/** What sealed entries do to the counters of policies. Total, like all of evolve. */
import { limits } from "../../limits.js";
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
import { countedAs, keyOf } from "./who.js";

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
  /** Whether the caller is the agent that it names: others fill no agent's counts. */
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
  arrangements.delete(counters);
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

/** A policy that counts, with what it has counted. */
interface Counted {
  readonly policy_id: string;
  readonly counter: Counter;
  readonly counting: Counting;
}

/** Those that count, and of them those that are about a type of action: made anew when a policy changes. */
interface Arranged {
  readonly all: readonly Counted[];
  readonly by_action_type: Map<string, readonly Counted[]>;
}

const arrangements = new WeakMap<Counters, Arranged>();

function arranged(counters: Counters, policies: ReadonlyMap<string, Policy>): Arranged {
  let kept = arrangements.get(counters);
  if (kept === undefined) {
    const all = [...counters.by_policy].flatMap(([policy_id, counter]) => {
      const counting = countingOf((policies.get(policy_id) as Policy).document);
      return counting === null ? [] : [{ policy_id, counter, counting }];
    });
    kept = { all, by_action_type: new Map() };
    arrangements.set(counters, kept);
  }
  return kept;
}

function countedFor({ all, by_action_type }: Arranged, action_type: string): readonly Counted[] {
  let kept = by_action_type.get(action_type);
  if (kept === undefined) {
    kept = all.filter(({ counting }) => counting.isAbout(action_type));
    // Types are the callers' words: there may be any number of them.
    if (by_action_type.size >= limits.policy_action_types_kept) {
      by_action_type.clear();
    }
    by_action_type.set(action_type, kept);
  }
  return kept;
}

/** A decision counts for every policy that remembers such. */
export function evolveCounted(
  counters: Counters,
  policies: ReadonlyMap<string, Policy>,
  decision: SealedDecision,
): void {
  const arrangement = arranged(counters, policies);
  if (counters.keys * 2 > limits.counted_keys) {
    // What policies keep that nothing counts for any more makes room for others.
    for (const { counter, counting } of arrangement.all) {
      letGo(counters, counter, counting.horizon_ms, decision.at);
    }
  }
  const held_by: [string, string][] = [];
  for (const counted of countedFor(arrangement, decision.action_type)) {
    const key = count(counters, counted, decision);
    if (key !== null && decision.reservation !== null && counted.counting.settle !== undefined) {
      held_by.push([counted.policy_id, key]);
    }
  }
  if (decision.reservation !== null && held_by.length > 0) {
    const { at, sequence, reservation } = decision;
    counters.holds.set(decision.decision_id, { at, sequence, ...reservation, counted_by: held_by });
  }
}

/** Returns the key under which it was counted, or null. */
function count(counters: Counters, { counter, counting }: Counted, decision: SealedDecision): string | null {
  const { by, horizon_ms } = counting;
  if (!counting.isCounted(decision)) {
    return null;
  }
  const key = keyOf(by, countedAs(decision.who, decision.speaks_for_agent));
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
  for (const { counter, counting } of arranged(counters, policies).all) {
    if (counting.by === "session") {
      forgetKey(counters, counter, keyOf("session", { session_id, agent_id: null, label: null }));
    }
  }
}
