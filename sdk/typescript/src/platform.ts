/** What differs between Node and a page. */
import type { ConnectError, Transport } from "@connectrpc/connect";

/** Something that will happen unless it is cancelled. */
export interface Timer {
  cancel(): void;
}

/** Monotonic time: setting the wall clock moves nothing. */
export interface Clock {
  nowMs(): number;
  /** Runs `run` once. It never keeps a process alive. */
  after(ms: number, run: () => void): Timer;
}

/** The way to one server. */
export interface Channel {
  readonly transport: Transport;
  /** Whether a failure says that the server must be spoken to in another way. */
  isUnfit?(failure: ConnectError): boolean;
  /** Lets go of what it holds. Nothing may be under way on it that anybody waits for. */
  close(): void;
}

export interface Platform {
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  /**
   * Opens a new way to the server; the first call on it connects.
   *
   * @param failure why the one before was given up; null for the first
   */
  openChannel(failure: ConnectError | null): Channel;
  /** Keeps the process alive until the returned function is called. */
  hold(): () => void;
  /** Makes a signal ready for as many listeners as there may be. */
  manyListeners(signal: AbortSignal): void;
  /** Takes one line for whoever runs the program. */
  warn(message: string): void;
}

/** Waits; nothing keeps the process alive meanwhile but a `hold`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((done) => {
    clock.after(ms, done);
  });
}

/** Milliseconds to wait before try number `tries` (1 and up): full jitter, so that a fleet does not come back in step. */
export function backoffMs(random: () => number, tries: number): number {
  return random() * Math.min(5000, 50 * 2 ** Math.min(tries, 12));
}
