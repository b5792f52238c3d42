/**
 * What one watch of sessions has still to tell: which sessions changed, never how. So a slow reader
 * costs the ids of what changed, and gets the newest state of each.
 */
import type { Session } from "../core/state.js";
import { Bell } from "./bell.js";

/** Which sessions a watch is about. */
export type Selection =
  /** These, whatever they are; the watch ends when all of them have stopped. */
  | { readonly by: "ids"; readonly session_ids: readonly string[] }
  /** Live ones, and how they stop. */
  | {
      readonly by: "filter";
      /** The agent that all of them are of, if they are of one: then nobody else's change is looked at. */
      readonly agent_id: string | null;
      /**
       * Asked about a session as it is now, live or just stopped.
       *
       * @param has_turned whether it got its status only after the reader was told of it last
       */
      readonly matches: (session: Session, has_turned: boolean) => boolean;
    };

export class SessionWatcher {
  readonly bell = new Bell();
  readonly selection: Selection;
  /** Untold changes by session: index of the first of them, in the order of the log. */
  readonly #changed = new Map<string, number>();
  readonly #stopped = new Map<string, number>();
  /** Everything up to this index has been told. */
  #told: number;
  #overflowed = false;
  readonly #changes_max: number;

  /**
   * @param told index up to which the reader knows everything
   * @param changes_max untold changes that a watch by filter keeps apart; above, it looks through all again
   */
  constructor(selection: Selection, told: number, changes_max: number) {
    this.selection = selection;
    this.#told = told;
    this.#changes_max = changes_max;
  }

  /** Notes that the entry at `sequence` changed a session, or stopped it. */
  mark(session_id: string, sequence: number, is_stop: boolean): void {
    if (is_stop) {
      this.#changed.delete(session_id);
      this.#stopped.set(session_id, sequence);
    } else if (!this.#changed.has(session_id)) {
      this.#changed.set(session_id, sequence);
    }
    if (this.selection.by === "filter" && this.#changed.size + this.#stopped.size > this.#changes_max) {
      this.#changed.clear();
      this.#stopped.clear();
      this.#overflowed = true;
    }
  }

  /** Whether one of the untold changes is a stop, which goes before everything else. */
  get is_urgent(): boolean {
    return this.#stopped.size > 0 || this.#overflowed;
  }

  /** The next session to tell, stopped ones first. Its state is to be read now: this forgets the change. */
  next(): string | null {
    return this.nextStopped() ?? take(this.#changed);
  }

  nextStopped(): string | null {
    return take(this.#stopped);
  }

  /** What is told now holds every change so far. */
  forget(session_id: string): void {
    this.#changed.delete(session_id);
    this.#stopped.delete(session_id);
  }

  /** Whether changes were dropped: what was told before them, from where all is to be looked up, or null. */
  takeOverflow(): number | null {
    if (!this.#overflowed) {
      return null;
    }
    // What was noted since then is found with the rest.
    this.#changed.clear();
    this.#stopped.clear();
    this.#overflowed = false;
    return this.#told;
  }

  /**
   * The index up to which everything has been told. It never goes back.
   *
   * @param head the newest index of the log
   */
  told(head: number): number {
    // A stop that is not told yet may have taken the place of an earlier change.
    if (this.#stopped.size === 0 && !this.#overflowed) {
      const [first] = this.#changed.values();
      this.#told = first === undefined ? head : first - 1;
    }
    return this.#told;
  }
}

function take(changes: Map<string, number>): string | null {
  const [session_id] = changes.keys();
  if (session_id === undefined) {
    return null;
  }
  changes.delete(session_id);
  return session_id;
}
