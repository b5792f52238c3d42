/** Looking for loops among the newest actions of a session, each known by a digest of it. */

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
  let same = 0;
  for (let i = newest; i >= 0 && (times[i] as number) > after; i--) {
    same += digests[i] === digests[newest] ? 1 : 0;
  }
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
