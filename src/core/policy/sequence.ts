/** `sequence`: an action that completes ordered steps, whatever came between them. */
import { limits } from "../../limits.js";
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import { hasRoom } from "./counter.js";
import type { Counting } from "./counting.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError } from "./error.js";
import { matches } from "./glob.js";
import { keyOf, nameOfKey, whoIn } from "./who.js";

interface Sequence {
  readonly by: "session" | "agent";
  readonly steps: readonly string[];
  /** From the first step to the last; Infinity: as long as the session lives. */
  readonly within_ms: number;
}

/** @throws {PolicyError} */
function sequenceOf(document: PolicyDocument): Sequence {
  const conditions = Conditions.of(document);
  const by = conditions.choice("by", ["session", "agent"], "session");
  const steps = conditions.texts("steps", limits.sequence_steps_max, limits.policy_glob_characters);
  if (steps.length < 2) {
    throw new PolicyError(conditions.at("steps"), "must be at least two steps: for one, use action_type");
  }
  if (by === "agent" && !conditions.has("within_seconds")) {
    throw new PolicyError(
      conditions.at("within_seconds"),
      "is needed with by: agent, which has no end of its own",
    );
  }
  const within_ms = conditions.has("within_seconds")
    ? conditions.integer("within_seconds", 1, limits.policy_window_seconds_max) * 1000
    : Number.POSITIVE_INFINITY;
  conditions.end();
  return { by, steps, within_ms };
}

/**
 * Steps that were allowed count, since only they can have happened; the last one is judged, and it fires
 * each time, so that trying again does not get past it.
 */
export function compileSequence(document: PolicyDocument): Compiled {
  const { by, steps, within_ms } = sequenceOf(document);
  const { policy_id } = document;
  const final = steps.length - 1;
  const order = steps.join(", then ");
  return {
    reads_text: false,
    judge: (context) => {
      const { counters, at, action_type } = context;
      const counter = counters.by_policy.get(policy_id);
      if (counter === undefined) {
        return null;
      }
      const who = whoIn(context);
      const kept = counter.keys.get(keyOf(by, who));
      if (kept === undefined) {
        return matches(steps[0] as string, action_type) && !hasRoom(counters, counter, within_ms, at)
          ? { reason: `there are too many to follow each by itself (${by}), so it is refused` }
          : null;
      }
      const begun_at = kept.numbers[final - 1] as number;
      return begun_at >= 0 && begun_at + within_ms > at && matches(steps[final] as string, action_type)
        ? { reason: `${nameOfKey(by, who)} completes the sequence ${order}` }
        : null;
    },
  };
}

/**
 * Kept for each step but the last: when the newest run of steps that has come as far as it began, or
 * -1. The newest is all that matters, since what is too late for it is too late for all others.
 */
export function countSequence(document: PolicyDocument): Counting {
  const { by, steps, within_ms } = sequenceOf(document);
  const followed = steps.slice(0, -1);
  return {
    what: JSON.stringify(["sequence", by, steps]),
    by,
    horizon_ms: within_ms,
    begins: ({ action_type }) => matches(steps[0] as string, action_type),
    isAbout: (action_type) => followed.some((step) => matches(step, action_type)),
    isCounted: ({ verdict }) => verdict === "allow",
    add: ({ numbers }, { at, action_type }) => {
      for (let step = numbers.length; step < followed.length; step++) {
        numbers.push(-1);
      }
      // From the last to the first, so that one action is one step.
      for (let step = followed.length - 1; step > 0; step--) {
        const begun_at = numbers[step - 1] as number;
        if (
          begun_at > (numbers[step] as number) &&
          begun_at + within_ms > at &&
          matches(followed[step] as string, action_type)
        ) {
          numbers[step] = begun_at;
        }
      }
      if (matches(followed[0] as string, action_type)) {
        numbers[0] = at;
      }
    },
  };
}
