/** Wakes the reader of one watch, and lets it sleep in between. */
import { limits } from "../limits.js";
import type { Clock } from "./clock.js";

/** Who reads a watch, and how long it may. */
export interface Reader {
  /** Aborts when nobody reads any more. */
  readonly signal: AbortSignal;
  /** Engine time at which `refuse` has to be asked again; null or absent: never. */
  readonly until?: number | null;
  /**
   * Throws when the reader may not go on. Asked before each message, when a key was revoked, at
   * `until`, and each time that everything has been told.
   *
   * @param all_told whether nothing is left to be told
   */
  readonly refuse?: (all_told: boolean) => void;
}

export class Bell {
  #rung = false;
  #answer: (() => void) | null = null;

  /** Wakes the reader, or keeps it from falling asleep. */
  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /**
   * Sleeps until the bell rings, `reader.until` comes or nobody reads any more.
   *
   * @returns whether nothing of that came, and it is time for a sign of life
   */
  async silent(clock: Clock, { signal, until = null }: Reader): Promise<boolean> {
    if (this.#rung || signal.aborted) {
      this.#rung = false;
      return false;
    }
    const bookmark_ms =
      limits.bookmark_ms_min + Math.random() * (limits.bookmark_ms_max - limits.bookmark_ms_min);
    // One that has passed is known: it was asked about before this.
    const left_ms = until === null ? null : until - clock.now();
    const ends_first = left_ms !== null && left_ms > 0 && left_ms < bookmark_ms;
    const is_silent = await new Promise<boolean>((resolve) => {
      const callOff = clock.after(ends_first ? left_ms : bookmark_ms, () => finish(!ends_first));
      const finish = (value: boolean) => {
        callOff();
        signal.removeEventListener("abort", wake);
        this.#answer = null;
        resolve(value);
      };
      const wake = () => finish(false);
      signal.addEventListener("abort", wake);
      this.#answer = wake;
    });
    const rung = this.#rung;
    this.#rung = false;
    return is_silent && !rung;
  }
}
