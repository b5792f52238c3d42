/** Sessions as they are at one moment, for those who look later. */
import type { Session } from "../core/state.js";

/** A copy that later events do not touch. */
export function copyOf(session: Session): Session {
  const { actions, tokens, cost_usd_micros, warned_percent } = session;
  return {
    ...session,
    actions: { ...actions },
    tokens: { ...tokens },
    cost_usd_micros: { ...cost_usd_micros },
    warned_percent: { ...warned_percent },
  };
}
