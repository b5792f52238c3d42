/** Reservations that nobody settles in time: then what was held counts as spent. */
import type { State } from "../core/state.js";
import type { Clock } from "./clock.js";
import { Deadlines, type Open } from "./deadlines.js";

const nothing: readonly Open[] = [];

/**
 * @param settle_ms from an action to its deadline
 * @param lapse as `close` in Deadlines, with the id of the decision
 */
export function settleDeadlines(
  state: Readonly<State>,
  clock: Clock,
  settle_ms: number,
  lapse: (decision_id: string) => Promise<boolean>,
): Deadlines {
  // Asked after every command: where nothing is held that costs nothing.
  return new Deadlines(
    () => (state.reservations.size === 0 ? nothing : open(state)),
    clock,
    settle_ms,
    lapse,
  );
}

function* open({ reservations }: Readonly<State>): Generator<Open, void, undefined> {
  for (const { decision_id, at } of reservations.values()) {
    yield [decision_id, at];
  }
}
