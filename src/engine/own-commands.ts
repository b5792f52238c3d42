/** What the engine asks of itself when a time has come. */
import { system_actor } from "../core/actor.js";
import type { Unstamped } from "../core/command.js";
import { ignoreFault } from "./fault.js";

/** In whose name the engine asks. */
export const by_engine = { actor: system_actor, request_id: null } as const;

/** Each resolves to whether it need not be asked again: it was taken, or there is no engine left. */
export class OwnCommands {
  readonly #submit: (command: Unstamped) => Promise<unknown>;
  readonly #isRunning: () => boolean;

  constructor(submit: (command: Unstamped) => Promise<unknown>, isRunning: () => boolean) {
    this.#submit = submit;
    this.#isRunning = isRunning;
  }

  /** The session expires, or loses its lease. */
  expire(session_id: string): Promise<boolean> {
    return this.#ask({ type: "expire_session", ...by_engine, session_id });
  }

  /** Nobody has confirmed the stop of the session. */
  unconfirm(session_id: string, confirm_ms: number, delivered_at: number | null): Promise<boolean> {
    return this.#ask({ type: "unconfirm_halt", session_id, confirm_ms, delivered_at, ...by_engine });
  }

  /** Nobody has settled what the action cost. */
  lapse(decision_id: string): Promise<boolean> {
    return this.#ask({ type: "lapse_reservation", decision_id, ...by_engine });
  }

  /** Nobody has answered the escalation. */
  expireEscalation(escalation_id: string): Promise<boolean> {
    return this.#ask({ type: "expire_escalation", escalation_id, ...by_engine });
  }

  async #ask(command: Unstamped): Promise<boolean> {
    try {
      await this.#submit(command);
      return true;
    } catch (error) {
      ignoreFault(error);
      return !this.#isRunning();
    }
  }
}
