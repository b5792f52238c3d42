/** How a run's processes are ended: asked first, then made to; and it is over when none is left. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Family, Member } from "./family.js";

export interface Patience {
  /** Between being asked to end and being made to. */
  readonly grace_ms: number;
  /** How long those that were made to end may take to go; who stays longer cannot be ended. */
  readonly kill_ms: number;
}

/** Two looks are at most so far apart: the first come quickly after each other. */
const look_ms_max = 50;

/**
 * Ends every process of a run. Those that are held are asked before they are let go on, so that the
 * first thing that they hear is the end.
 *
 * @returns who is left in spite of it; empty means that nobody is, looked up twice
 */
export async function endAll(family: Family, patience: Patience): Promise<readonly Member[]> {
  if (isEmpty(family)) return [];
  family.signalAll("SIGTERM");
  family.release();
  if (await emptied(family, patience.grace_ms)) return [];
  const until = performance.now() + patience.kill_ms;
  do {
    family.kill();
    // One look in between, not a wait: what forks as fast as it is ended must not gain by our rest.
    if (await emptied(family, look_ms_max)) return [];
  } while (performance.now() < until);
  return family.living();
}

/** Waits until nobody lives; false when the time is over first. */
async function emptied(family: Family, for_ms: number): Promise<boolean> {
  const until = performance.now() + for_ms;
  for (let wait_ms = 1; ; wait_ms = Math.min(2 * wait_ms, look_ms_max)) {
    if (isEmpty(family)) return true;
    const left_ms = until - performance.now();
    if (left_ms <= 0) return false;
    await sleep(Math.min(wait_ms, left_ms));
  }
}

/** A look takes time, and who is born behind its back is seen by the next one. */
function isEmpty(family: Family): boolean {
  return family.living().length === 0 && family.living().length === 0;
}
