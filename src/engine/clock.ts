/**
 * Engine time: the last sealed time or the wall clock at start, whichever is later, plus monotonic
 * time since, in whole milliseconds. So no session outlives its ttl because somebody set the clock,
 * and time while the process was down counts by the wall clock.
 */
export interface Clock {
  /** Milliseconds since 1970; never goes back. */
  now(): number;
}

/**
 * @param sealed_at time of the newest sealed entry, 0 without one
 * @param wall_ms the wall clock, read once
 * @param monotonic_ms a clock that nobody can set
 */
export function engineClock(
  sealed_at: number,
  wall_ms: () => number = Date.now,
  monotonic_ms: () => number = () => performance.now(),
): Clock {
  const base = Math.max(sealed_at, Math.floor(wall_ms()));
  const started = monotonic_ms();
  return { now: () => base + Math.floor(monotonic_ms() - started) };
}
