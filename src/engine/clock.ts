/**
 * Engine time: the last sealed time or the wall clock at start, whichever is later, plus monotonic
 * time since, in whole milliseconds. So no session outlives its ttl because somebody set the clock,
 * and time while the process was down counts by the wall clock.
 */

/** Time as a process has it. */
export interface Time {
  /** The wall clock, milliseconds since 1970. */
  readonly wall_ms: () => number;
  /** A clock that nobody can set. */
  readonly monotonic_ms: () => number;
  /** Runs a task once after a wait; calling what it returns calls that off. */
  readonly after: (wait_ms: number, task: () => void) => () => void;
}

/** The time of this process. Waiting for it does not keep the process alive. */
export const process_time: Time = {
  wall_ms: Date.now,
  monotonic_ms: () => performance.now(),
  after: (wait_ms, task) => {
    const timer = setTimeout(task, wait_ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export interface Clock {
  /** Milliseconds since 1970; never goes back. */
  readonly now: () => number;
  readonly after: Time["after"];
}

/**
 * @param sealed_at time of the newest sealed entry, 0 without one
 * @param time its wall clock is read once
 */
export function engineClock(sealed_at: number, time: Time): Clock {
  const base = Math.max(sealed_at, Math.floor(time.wall_ms()));
  const started = time.monotonic_ms();
  return { now: () => base + Math.floor(time.monotonic_ms() - started), after: time.after };
}

/** Runs a task again and again; calling what this returns ends that. */
export function every(clock: Clock, interval_ms: number, task: () => void): () => void {
  let callOff = () => {};
  const wait = () => {
    callOff = clock.after(interval_ms, () => {
      wait();
      task();
    });
  };
  wait();
  return () => callOff();
}
