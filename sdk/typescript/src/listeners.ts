/** Who wants to know. What a listener throws is told and harms nobody. */
import type { SessionPaused, SessionTerminated } from "./errors.js";
import type { Platform } from "./platform.js";
import type { Warning } from "./verdict.js";

/** What happens to a session, and what its listeners are given. */
export interface SessionEvents {
  /** It was stopped, by whatever; not told when it is closed by its own side. */
  readonly stop: SessionTerminated;
  /** It is held. */
  readonly pause: SessionPaused;
  /** It goes on. */
  readonly resume: undefined;
  /** A verdict or a settlement came with a warning: a share of a budget is used, or a policy has something to say. */
  readonly warning: Warning;
}

export type Listener<Event extends keyof SessionEvents> = (what: SessionEvents[Event]) => unknown;

export class Listeners {
  readonly #platform: Platform;
  readonly #listeners: { readonly [Event in keyof SessionEvents]: Set<Listener<Event>> } = {
    stop: new Set(),
    pause: new Set(),
    resume: new Set(),
    warning: new Set(),
  };
  readonly #changes = new Set<() => void>();
  #terminated: SessionTerminated | null = null;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** @returns takes it away again */
  add<Event extends keyof SessionEvents>(event: Event, listener: Listener<Event>): () => void {
    const set: Set<Listener<Event>> = this.#listeners[event];
    set.add(listener);
    // One that comes after the stop is told as well: nobody has to look first.
    const terminated = this.#terminated;
    if (event === "stop" && terminated !== null) {
      queueMicrotask(() => void this.#call(listener as Listener<"stop">, terminated));
    }
    return () => set.delete(listener);
  }

  /** Whether anybody listens. */
  heed(event: keyof SessionEvents): boolean {
    return this.#listeners[event].size > 0;
  }

  tell<Event extends keyof SessionEvents>(
    event: Event,
    what: SessionEvents[Event],
  ): readonly Promise<void>[] {
    const calls = [...this.#listeners[event]].map((listener) => this.#call(listener, what));
    for (const done of [...this.#changes]) done();
    this.#changes.clear();
    return calls;
  }

  /** @returns the calls, each of which resolves when its listener is done */
  stop(terminated: SessionTerminated): readonly Promise<void>[] {
    this.#terminated = terminated;
    return this.tell("stop", terminated);
  }

  /** Resolves when something happens next. */
  change(): Promise<void> {
    return new Promise((done) => this.#changes.add(done));
  }

  async #call<What>(listener: (what: What) => unknown, what: What): Promise<void> {
    try {
      await listener(what);
    } catch (error) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#platform.warn(`a callback of the session threw: ${why}`);
    }
  }
}
