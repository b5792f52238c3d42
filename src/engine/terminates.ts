/** Terminates that were given again without an entry of their own, until the log sums them up. */

import { system_actor } from "../core/actor.js";
import type { Unstamped } from "../core/command.js";
import { limits } from "../limits.js";

export class RepeatedTerminates {
  readonly #submit: (command: Unstamped) => Promise<unknown>;
  #counts = new Map<string, number>();

  constructor(submit: (command: Unstamped) => Promise<unknown>) {
    this.#submit = submit;
  }

  add(session_id: string, count = 1): void {
    this.#counts.set(session_id, (this.#counts.get(session_id) ?? 0) + count);
  }

  /**
   * Seals what was counted, a few sessions at a time. What is refused is counted on.
   *
   * @throws the first refusal
   */
  async sumUp(): Promise<void> {
    const counts = [...this.#counts];
    this.#counts = new Map();
    while (counts.length > 0) {
      const some = counts.splice(0, limits.terminates_summed_at_once);
      const sums = await Promise.allSettled(some.map(([session_id, count]) => this.#seal(session_id, count)));
      const refused = sums.find((sum) => sum.status === "rejected");
      if (refused !== undefined) {
        for (const [session_id, count] of counts) {
          this.add(session_id, count);
        }
        throw refused.reason;
      }
    }
  }

  async #seal(session_id: string, count: number): Promise<void> {
    const type = "sum_up_terminates";
    try {
      await this.#submit({ type, actor: system_actor, request_id: null, session_id, count });
    } catch (error) {
      this.add(session_id, count);
      throw error;
    }
  }
}
