/** `rate`: more than so many actions within a sliding window. */
import { limits } from "../../limits.js";
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import { hasRoom, type Kept } from "./counter.js";
import type { Counting } from "./counting.js";
import type { PolicyDocument } from "./document.js";
import { matches } from "./glob.js";
import { type CountedBy, counted_by, keyOf, nameOfKey, whoIn } from "./who.js";

interface Rate {
  readonly by: CountedBy;
  readonly count: number;
  readonly window_ms: number;
  readonly counts: "asked" | "allowed";
  /** Above so many marks, those of one slot are kept as one: it counts until the last of them is out. */
  readonly slot_ms: number;
}

/** @throws {PolicyError} */
function rateOf(document: PolicyDocument): Rate {
  const conditions = Conditions.of(document);
  const by = conditions.choice("by", counted_by);
  const count = conditions.integer("count", 1, limits.rate_count_max);
  const window_ms = conditions.integer("window_seconds", 1, limits.policy_window_seconds_max) * 1000;
  const counts = conditions.choice("counts", ["asked", "allowed"], "asked");
  conditions.end();
  const slot_ms = count <= limits.marks_exact ? 1 : Math.max(1, Math.floor(window_ms / limits.marks_exact));
  return { by, count, window_ms, counts, slot_ms };
}

/**
 * The action that is judged counts itself: with count N, the first N within any window pass. Up to
 * limits.marks_exact that is exact; of a larger count, an action may count so small a part of the
 * window longer than it should, never shorter.
 */
export function compileRate(document: PolicyDocument): Compiled {
  const { by, count, window_ms, counts } = rateOf(document);
  const { policy_id } = document;
  const within = `within ${window_ms / 1000} s`;
  return {
    reads_text: false,
    judge: (context) => {
      const { counters, at, asked_before } = context;
      const counter = counters.by_policy.get(policy_id);
      if (counter === undefined) {
        return null;
      }
      const who = whoIn(context);
      const kept = counter.keys.get(keyOf(by, who));
      if (kept === undefined) {
        return hasRoom(counters, counter, window_ms, at)
          ? null
          : { reason: `there are too many to count for each by itself (${by}), so it is refused` };
      }
      const itself = asked_before === true && counts === "asked" ? 0 : 1;
      return marksSince(kept, at - window_ms) + itself <= count
        ? null
        : {
            reason: `more than ${count === 1 ? "one action" : `${count} actions`} of ${nameOfKey(by, who)} ${within}`,
          };
    },
  };
}

/** Marks that came after a time. Those before it go with the next one that is added. */
function marksSince({ numbers, tally }: Kept, after: number): number {
  let marked = tally;
  for (let i = 0; i < numbers.length && (numbers[i] as number) <= after; i += 2) {
    marked -= numbers[i + 1] as number;
  }
  return marked;
}

export function countRate(document: PolicyDocument): Counting {
  const { by, count, window_ms, counts, slot_ms } = rateOf(document);
  const { action_types } = document;
  return {
    what: JSON.stringify(["rate", by, counts, [...action_types].sort()]),
    by,
    horizon_ms: window_ms,
    isAbout: (action_type) => isAbout(action_types, action_type),
    isCounted: ({ verdict, is_action }) => (counts === "asked" ? is_action : verdict === "allow"),
    add: (kept, { at }, may_grow) => {
      const { numbers } = kept;
      const last = numbers.length - 2;
      const is_same_slot =
        last >= 0 && Math.floor((numbers[last] as number) / slot_ms) === Math.floor(at / slot_ms);
      if (is_same_slot || (last >= 0 && !may_grow)) {
        numbers[last] = at;
        numbers[last + 1] = (numbers[last + 1] as number) + 1;
      } else {
        numbers.push(at, 1);
      }
      kept.tally += 1;
      dropMarks(kept, at - window_ms, count);
    },
  };
}

/** Drops marks that are out of the window, and those that no answer depends on: the newest `count` suffice. */
function dropMarks(kept: Kept, out_at: number, count: number): void {
  const { numbers } = kept;
  while (
    numbers.length > 2 &&
    ((numbers[0] as number) <= out_at || kept.tally - (numbers[1] as number) >= count)
  ) {
    kept.tally -= numbers[1] as number;
    numbers.splice(0, 2);
  }
}

/** Whether a policy is about a type of action. */
export function isAbout(action_types: readonly string[], action_type: string): boolean {
  return action_types.length === 0 || action_types.some((pattern) => matches(pattern, action_type));
}
