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
import { type Loop, loopText } from "./loop-search.js";

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
