/**
 * How long a revoked credential keeps its stream: until its stop is confirmed or unconfirmed. Where that
 * is over already, or there is no session to confirm anything of, as long as a client has to confirm.
 */
import { progressOf } from "../core/halt.js";
import type { Session } from "../core/state.js";

export class Grace {
  readonly #afterDeadline: (end: () => void) => () => void;
  /** Whether the deadline of the stop was still to come when the key was found revoked. */
  #is_awaited = false;
  #callOff: (() => void) | null = null;

  /** @param afterDeadline calls `end` when a client that was told now would be past its deadline */
  constructor(afterDeadline: (end: () => void) => () => void) {
    this.#afterDeadline = afterDeadline;
  }

  /** Calls `end` when the grace is over, which may be now. To be asked again whenever the session changes. */
  look(session: Session | null, end: () => void): void {
    const is_over = session === null || progressOf(session).unconfirmed_at !== null;
    if (!is_over) {
      this.#is_awaited = true;
    } else if (this.#is_awaited) {
      end();
    } else {
      this.#callOff ??= this.#afterDeadline(end);
    }
  }

  callOff(): void {
    this.#callOff?.();
  }
}
