/**
 * What one watch of escalations has still to tell: which of them changed, never how. So a slow reader
 * costs the ids of what changed, and gets the newest state of each.
 */
import { Bell } from "./bell.js";

/** Which escalations a watch is about. */
export type EscalationSelection =
  /** These, also resolved ones; the watch ends when all of them are. */
  | { readonly by: "ids"; readonly escalation_ids: readonly string[] }
  | { readonly by: "filter"; readonly matches: (escalation: Asked) => boolean };

/** Whose an escalation is. */
export interface Asked {
  readonly session_id: string | null;
  readonly agent_id: string | null;
  readonly asked_by: string | null;
}

export class EscalationWatcher {
  readonly bell = new Bell();
  readonly selection: EscalationSelection;
  /** Untold changes by escalation: index of the first of them, in the order of the log. */
  readonly #changed = new Map<string, number>();
  /** Everything up to this index has been told. */
  #told: number;
  #overflowed = false;
  readonly #changes_max: number;

  /**
   * @param told index up to which the reader knows everything
   * @param changes_max untold changes that are kept apart; above, all is looked through again
   */
  constructor(selection: EscalationSelection, told: number, changes_max: number) {
    this.selection = selection;
    this.#told = told;
    this.#changes_max = changes_max;
  }

  /** Notes that the entry at `sequence` changed an escalation. */
  mark(escalation_id: string, sequence: number): void {
    if (!this.#changed.has(escalation_id)) {
      this.#changed.set(escalation_id, sequence);
    }
    if (this.#changed.size > this.#changes_max) {
      this.#changed.clear();
      this.#overflowed = true;
    }
  }

  /** The next escalation to tell. Its state is to be read now: this forgets the change. */
  next(): string | null {
    const [escalation_id] = this.#changed.keys();
    if (escalation_id === undefined) {
      return null;
    }
    this.#changed.delete(escalation_id);
    return escalation_id;
  }

  /** Whether changes were dropped: what was told before them, from where all is to be looked up, or null. */
  takeOverflow(): number | null {
    if (!this.#overflowed) {
      return null;
    }
    this.#changed.clear();
    this.#overflowed = false;
    return this.#told;
  }

  /**
   * The index up to which everything has been told. It never goes back.
   *
   * @param head the newest index of the log
   */
  told(head: number): number {
    if (!this.#overflowed) {
      const [first] = this.#changed.values();
      this.#told = first === undefined ? head : first - 1;
    }
    return this.#told;
  }
}
