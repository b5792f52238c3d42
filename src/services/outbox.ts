/**
 * What a stream has to say, in the order in which it is to be said: what is urgent overtakes the rest.
 * Bounded by who fills it: it counts what was begun and has not left.
 */
export class Outbox<T> implements AsyncIterableIterator<T> {
  readonly #full_at: number;
  readonly #onLeft: () => void;
  readonly #urgent: { readonly message: T; readonly onSent: () => void }[] = [];
  /** At most one: what is put here takes the place of what was. */
  #newest: { readonly message: T; readonly onSent: () => void } | null = null;
  readonly #waiting: T[] = [];
  /** Messages of the caller whose answers are being made. */
  #begun = 0;
  #end: { readonly error: unknown } | null = null;
  #left = false;
  /** Of who waits for a message; of who waits for room. */
  #wake: () => void = nothing;
  #makeRoom: () => void = nothing;
  #sent_ms = performance.now();

  /**
   * @param full_at messages that were begun and have not left
   * @param onLeft is told once, when nothing more will be taken from here
   */
  constructor(full_at: number, onLeft: () => void) {
    this.#full_at = full_at;
    this.#onLeft = onLeft;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** When the last message was taken, on the monotonic clock. */
  get sent_ms(): number {
    return this.#sent_ms;
  }

  /** Whether nothing new may be begun. */
  get ending(): boolean {
    return this.#end !== null || this.#left;
  }

  get full(): boolean {
    return this.#begun + this.#waiting.length >= this.#full_at;
  }

  /** Resolves when it is no longer full, or when nothing more may be begun. One at a time. */
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
  }

  /** An answer is being made. */
  begin(): void {
    this.#begun += 1;
  }

  /** An answer that was begun is there. */
  answer(message: T): void {
    this.#begun -= 1;
    this.put(message);
  }

  /** An answer that was begun will not come. */
  abandon(): void {
    this.#begun -= 1;
    this.#wake();
  }

  put(message: T): void {
    if (!this.#left) {
      this.#waiting.push(message);
      this.#wake();
    }
  }

  /** Puts a message before all that wait; `onSent` is told when it is taken. */
  hasten(message: T, onSent: () => void = nothing): void {
    this.#urgent.push({ message, onSent });
    this.#wake();
  }

  /**
   * Puts a message after what is urgent and before all that wait, in place of the last one that was put
   * like this and has not left; null takes that one away. `onSent` is told when it is taken.
   */
  replace(message: T | null, onSent: () => void = nothing): void {
    this.#newest = message === null ? null : { message, onSent };
    this.#wake();
  }

  /** Nothing new is begun; what was is still said, then this ends, or throws `error`. The first end counts. */
  end(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
    this.#makeRoom();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const message = this.#take();
      if (message !== null) {
        this.#sent_ms = performance.now();
        return { done: false, value: message.value };
      }
      if (this.#left || (this.#end !== null && this.#begun === 0)) {
        return this.#finish();
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = nothing;
    }
  }

  /** Nobody listens any more. A next() that waits ends. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    return { done: true, value: undefined };
  }

  #take(): { readonly value: T } | null {
    const urgent = this.#urgent.shift() ?? this.#takeNewest();
    if (urgent !== undefined) {
      urgent.onSent();
      return { value: urgent.message };
    }
    if (this.#waiting.length === 0) {
      return null;
    }
    const value = this.#waiting.shift() as T;
    if (!this.full) {
      this.#makeRoom();
      this.#makeRoom = nothing;
    }
    return { value };
  }

  #takeNewest() {
    const newest = this.#newest ?? undefined;
    this.#newest = null;
    return newest;
  }

  #finish(): IteratorResult<T, undefined> {
    const error = this.#left ? null : this.#end?.error;
    this.#leave();
    if (error != null) {
      throw error;
    }
    return { done: true, value: undefined };
  }

  #leave(): void {
    if (this.#left) {
      return;
    }
    this.#left = true;
    this.#newest = null;
    this.#waiting.length = 0;
    this.#wake();
    this.#makeRoom();
    this.#onLeft();
  }
}

function nothing(): void {}
