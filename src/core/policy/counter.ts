/**
 * What policies remember of earlier actions: plain numbers by policy, and by the session, agent or
 * label that they are counted for. Evolve makes them from sealed decisions alone, so a replay comes to
 * the same. Bounded: what is out of its window is let go, and where there is no room for one more
 * session, agent or label, its actions are refused rather than passed uncounted.
 */
import { limits } from "../../limits.js";

/** What is counted for one session, agent or label. */
export interface Kept {
  /** What they mean is the policy type's: times, counts, amounts. */
  readonly numbers: number[];
  /** One number more of the type's own: how many marks these are, or how often older ones have changed. */
  tally: number;
  /** When something was last added, to within a sixteenth of how long that counts. */
  touched_at: number;
}

/** All that one policy remembers. */
export interface Counter {
  /** What it counts, as text: a version of the policy that counts the same goes on with it. */
  readonly what: string;
  /** Index of the entry with which it began. */
  readonly since: number;
  /** By key, the one touched longest ago first. */
  readonly keys: Map<string, Kept>;
  /** Numbers in all keys together. */
  numbers: number;
}

/** A reservation that is not settled yet, where policies count what it holds. */
export interface Hold {
  readonly at: number;
  /** Index of the decision that made it. */
  readonly sequence: number;
  readonly tokens: number;
  readonly cost_usd_micros: number;
  /** In which counters: a policy's id and a key. */
  readonly counted_by: readonly (readonly [string, string])[];
}

export interface Counters {
  /** By policy_id. */
  readonly by_policy: Map<string, Counter>;
  /** By decision_id. */
  readonly holds: Map<string, Hold>;
  /** Keys and numbers of all policies together. */
  keys: number;
  numbers: number;
}

/** A key takes its place at the end so often while it counts, and not with everything that is added. */
const touches_kept = 16;

export function noCounters(): Counters {
  return { by_policy: new Map(), holds: new Map(), keys: 0, numbers: 0 };
}

/** Whether one more key finds room at a time; a key that is out of its window makes room for it. */
export function hasRoom(counters: Counters, counter: Counter, horizon_ms: number, at: number): boolean {
  const [oldest] = counter.keys.values();
  if (oldest !== undefined && isGone(oldest, horizon_ms, at)) {
    return true;
  }
  return counter.keys.size < limits.counted_keys_of_policy && counters.keys < limits.counted_keys;
}

/** Whether what is kept may take more numbers; where not, it counts more coarsely, and never less. */
export function mayGrow(counters: Counters, counter: Counter): boolean {
  return counter.numbers < limits.counted_numbers_of_policy && counters.numbers < limits.counted_numbers;
}

/** Whether all that is kept for a key is out of its window. */
export function isGone(kept: Kept, horizon_ms: number, at: number): boolean {
  return isOut(kept.touched_at, horizon_ms, at);
}

function isOut(touched_at: number, horizon_ms: number, at: number): boolean {
  return touched_at + horizon_ms + horizon_ms / touches_kept <= at;
}

/**
 * What is kept for a key, made new where there was nothing, and now the newest; null without room.
 *
 * @param horizon_ms how long something counts
 */
export function touch(
  counters: Counters,
  counter: Counter,
  key: string,
  horizon_ms: number,
  at: number,
): Kept | null {
  letGo(counters, counter, horizon_ms, at);
  const known = counter.keys.get(key);
  if (known !== undefined) {
    if (at - known.touched_at >= horizon_ms / touches_kept) {
      counter.keys.delete(key);
      counter.keys.set(key, known);
      known.touched_at = at;
    }
    return known;
  }
  if (!hasRoom(counters, counter, horizon_ms, at)) {
    return null;
  }
  const kept = { numbers: [], tally: 0, touched_at: at };
  counter.keys.set(key, kept);
  counters.keys += 1;
  return kept;
}

/**
 * No key of a counter was touched before this. Keys that are touched leave gaps where they were, so that
 * looking for the first one takes the longer the busier a counter is.
 */
const oldest_known = new WeakMap<Counter, number>();

/** Lets the keys go that are out of their window: at most two a call, so that none has to wait for many. */
export function letGo(counters: Counters, counter: Counter, horizon_ms: number, at: number): void {
  const known = oldest_known.get(counter);
  if (known !== undefined && !isOut(known, horizon_ms, at)) {
    return;
  }
  let let_go = 0;
  for (const [key, oldest] of counter.keys) {
    if (let_go === 2 || !isGone(oldest, horizon_ms, at)) {
      oldest_known.set(counter, oldest.touched_at);
      return;
    }
    forgetKey(counters, counter, key);
    let_go += 1;
  }
}

export function forgetKey(counters: Counters, counter: Counter, key: string): void {
  const kept = counter.keys.get(key);
  if (kept !== undefined) {
    counter.keys.delete(key);
    counters.keys -= 1;
    resize(counters, counter, -kept.numbers.length);
  }
}

export function forgetCounter(counters: Counters, policy_id: string): void {
  const counter = counters.by_policy.get(policy_id);
  if (counter !== undefined) {
    counters.by_policy.delete(policy_id);
    counters.keys -= counter.keys.size;
    counters.numbers -= counter.numbers;
  }
}

/** Numbers were added or taken away. */
export function resize(counters: Counters, counter: Counter, by: number): void {
  counter.numbers += by;
  counters.numbers += by;
}
