/** A bound on what the policies of one decision may cost: they are judged within one turn of the event loop. */

import { PolicyError } from "./error.js";

/** What is left of one decision's allowance. A unit is about a microsecond of one core of the year 2026. */
export class Work {
  #left: number;
  /** What policies of one type have made of the action, for the others of that type. */
  seen: object | undefined;
  folded: string | null | undefined;

  constructor(units: number) {
    this.#left = units;
  }

  get left(): number {
    return this.#left;
  }

  /**
   * Takes from the allowance before the work is done.
   *
   * @throws {PolicyError} when it does not suffice
   */
  spend(units: number): void {
    if (!(units <= this.#left)) {
      this.#left = 0;
      throw new PolicyError("", "judging this action by all policies would take too long");
    }
    this.#left -= units;
  }
}
