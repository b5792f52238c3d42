/** Work that a stop breaks off: whoever waits for it is told at once, whether or not it listens. */
export class Races {
  readonly #running = new Set<(why: unknown) => void>();

  /**
   * @param work gets a signal that is aborted when it is broken off
   * @param signal of the caller's, which breaks it off too
   */
  async run<Result>(
    work: (signal: AbortSignal) => PromiseLike<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const ending = new AbortController();
    let breakOff = (_why: unknown) => {};
    const onAbort = () => breakOff(signal?.reason);
    try {
      return await new Promise<Result>((yes, no) => {
        breakOff = (why) => {
          no(why);
          ending.abort(why);
        };
        this.#running.add(breakOff);
        signal?.addEventListener("abort", onAbort);
        work(ending.signal).then(yes, no);
      });
    } finally {
      this.#running.delete(breakOff);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  breakOff(why: unknown): void {
    for (const each of [...this.#running]) each(why);
  }
}
