/** An action and its price in one piece: asked for, held, done, and settled. */
import { intercept } from "./intercept.js";
import { type Cost, wireCost } from "./money.js";
import { lost, Reservation, type ReservedAction } from "./reservation.js";
import type { Run } from "./run.js";

/**
 * @param fn gets the session's signal. When it throws, the estimate is given back
 * @param actual what it did cost, read from its result
 * @throws as `intercept` does, and what `fn` or `actual` threw
 */
export async function spend<Result>(
  run: Run,
  action_type: string,
  action: ReservedAction,
  fn: (signal: AbortSignal) => PromiseLike<Result> | Result,
  actual: (result: Result) => Cost,
): Promise<Result> {
  const reservation = new Reservation(run, await intercept(run, action_type, action));
  const result = await run.race(() => paid(run, action_type, reservation, fn, actual), action.signal);
  // A session that is merely held keeps what was done; its next call is held.
  run.guardStop();
  return result;
}

/** Goes on after a stop until it really ends, and is settled then: what is spent is spent. */
async function paid<Result>(
  run: Run,
  action_type: string,
  reservation: Reservation,
  fn: (signal: AbortSignal) => PromiseLike<Result> | Result,
  actual: (result: Result) => Cost,
): Promise<Result> {
  const ended = run.work.begin(`the call of ${action_type}`);
  try {
    const result = await doneOrCancelled(run, reservation, fn);
    // What cannot be read or is no amount is thrown, and the estimate stands.
    const cost = actual(result);
    wireCost("actual", cost);
    // The result is there and is paid for: that it could not be said takes it from nobody.
    await reservation.settle(cost).catch((error: unknown) => lost(run, reservation.decisionId, error));
    return result;
  } finally {
    ended();
  }
}

async function doneOrCancelled<Result>(
  run: Run,
  reservation: Reservation,
  fn: (signal: AbortSignal) => PromiseLike<Result> | Result,
): Promise<Result> {
  try {
    return await fn(run.signal);
  } catch (error) {
    await reservation[Symbol.asyncDispose]();
    throw error;
  }
}
