/** Waits for what the services do in a way that can be left from outside. */
import type { Life } from "./life.js";

/** Resolves as `work` does, or rejects with the reason of `signal` if that aborts first. */
export function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
    const settled = () => signal.removeEventListener("abort", abort);
    work.then(resolve, reject).then(settled);
  });
}

/**
 * Yields what `source` yields until that ends or `life` does. A generator that is parked in an await
 * isn't broken out of by `return()`, which queues up behind that await: so this is an iterator
 * written by hand whose `next()` rejects at once, and the source's `return()` is called, never
 * awaited, in each case that is not the source's own end.
 *
 * While the server drains the source may still say what it has to; its end is then `unavailable`,
 * and not an end as if all had been told.
 */
export function follow<T>(source: AsyncIterable<T>, life: Life): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  let open = true;

  const leave = () => {
    life.ended.removeEventListener("abort", leave);
    if (open) {
      open = false;
      iterator.return?.().catch(() => {});
    }
  };
  life.ended.addEventListener("abort", leave);

  const next = async (): Promise<IteratorResult<T>> => {
    try {
      const step = await within(iterator.next(), life.ended);
      if (step.done === true) {
        open = false;
        leave();
        life.signal.throwIfAborted();
        if (life.leaving !== null) {
          throw life.leaving;
        }
      }
      return step;
    } catch (error) {
      leave();
      throw error;
    }
  };
  const end = async (): Promise<IteratorResult<T>> => {
    leave();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
