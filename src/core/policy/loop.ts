/**
 * `loop`: the same action over and over, or the same few actions in turn, within one session. Whether
 * two actions are the same is known by keyed digests of them that are kept beside the log and never
 * sealed, since they tell of the action's text: counts begin anew when the server does.
 */
import { limits } from "../../limits.js";
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";

/** What is a loop: looked for among the newest limits.loop_actions of a session. */
export interface Loop {
  /** So many times the same action, whatever comes between. */
  readonly count: number;
  readonly window_ms: number;
  /** The longest cycle that is looked for; 1: none. */
  readonly cycle_length_max: number;
  /** So many times the same cycle. */
  readonly cycle_count: number;
}

/** A loop that an action goes on with. Stamped on its command by the sequencer, which can hash. */
export interface LoopFound {
  readonly policy_id: string;
  /** How often the same came. */
  readonly times: number;
  /** Actions of which it is made: 1 for the same action each time. */
  readonly length: number;
}

/** A warning of loops without any policy. A policy of type loop takes its place, switched on or not. */
export const default_loop_id = "__loop";
export const default_loop: Loop = {
  count: 10,
  window_ms: 300_000,
  cycle_length_max: 4,
  cycle_count: 5,
};

/** @throws {PolicyError} */
export function loopOf(document: PolicyDocument): Loop {
  const conditions = Conditions.of(document);
  const count = conditions.integer("count", 2, limits.loop_actions);
  const window_ms = conditions.integer("window_seconds", 1, limits.policy_window_seconds_max) * 1000;
  const cycle_length_max = conditions.has("cycle_length_max")
    ? conditions.integer("cycle_length_max", 1, limits.cycle_length_max)
    : 1;
  if (cycle_length_max === 1 && conditions.has("cycle_count")) {
    throw new PolicyError(
      conditions.at("cycle_count"),
      "has no meaning without cycle_length_max of 2 or more",
    );
  }
  const cycle_count = conditions.has("cycle_count")
    ? conditions.integer("cycle_count", 2, limits.cycle_count_max)
    : Math.min(count, 3);
  conditions.end();
  return { count, window_ms, cycle_length_max, cycle_count };
}

export function compileLoop(document: PolicyDocument): Compiled {
  loopOf(document);
  const { policy_id } = document;
  return {
    reads_text: true,
    judge: ({ loops }) => {
      const found = loops.find((each) => each.policy_id === policy_id);
      return found === undefined ? null : { reason: loopText(found) };
    },
  };
}

/** For people. */
export function loopText({ times, length }: LoopFound): string {
  return length === 1
    ? `the same action comes for the ${ordinal(times)} time`
    : `the same ${length} actions come in turn for the ${ordinal(times)} time`;
}

function ordinal(n: number): string {
  const teens = n % 100 >= 11 && n % 100 <= 13;
  const ending = teens ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
}

/** Actions of one session: what they are and when they came, oldest first. */
export interface Recent {
  readonly digests: readonly number[];
  readonly times: readonly number[];
}

/** The loop that the newest of some actions goes on with, or null. */
export function findLoop(recent: Recent, loop: Loop): Pick<LoopFound, "times" | "length"> | null {
  const { digests, times } = recent;
  const newest = digests.length - 1;
  const after = (times[newest] as number) - loop.window_ms;
  const same = digests.reduce(
    (sum, digest, i) => sum + (digest === digests[newest] && (times[i] as number) > after ? 1 : 0),
    0,
  );
  if (same >= loop.count) {
    return { times: same, length: 1 };
  }
  for (let length = 2; length <= loop.cycle_length_max; length++) {
    const oldest = digests.length - length * loop.cycle_count;
    if (oldest >= 0 && (times[oldest] as number) > after && isCycle(digests, oldest, length)) {
      return { times: loop.cycle_count, length };
    }
  }
  return null;
}

/** Whether the actions from one on are one cycle again and again, which is not one action alone. */
function isCycle(digests: readonly number[], from: number, length: number): boolean {
  for (let i = from + length; i < digests.length; i++) {
    if (digests[i] !== digests[i - length]) {
      return false;
    }
  }
  return digests.slice(from, from + length).some((digest) => digest !== digests[from]);
}
