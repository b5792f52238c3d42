/**
 * Looks for a run's processes while it goes on. One that leaves its session, gives its mark up and
 * loses its parent can be told by nothing afterwards; seen once before, it is remembered.
 */

import { bounds } from "./bounds.js";
import type { Family } from "./family.js";
import type { Guard } from "./guard.js";

export interface Lookout {
  end(): void;
}

/** Begins. A machine with many processes is looked at the less often, so that it costs at most a fiftieth. */
export function lookOut(family: Family, guard: Guard): Lookout {
  let timer: NodeJS.Timeout;
  const look = () => {
    const begun = performance.now();
    family.living();
    guard.guardKnown();
    const rest_ms = bounds.lookout_rest * (performance.now() - begun);
    timer = setTimeout(look, Math.max(bounds.lookout_ms, rest_ms));
    timer.unref();
  };
  look();
  return { end: () => clearTimeout(timer) };
}
