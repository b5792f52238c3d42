/** What follows a stop: callbacks, the end of the work, and the word to the server that it has ended. */
import { Acknowledgement } from "./acknowledge.js";
import type { Connection } from "./connection.js";
import type { SessionTerminated } from "./errors.js";
import type { SessionPlan } from "./options.js";
import { sleep } from "./platform.js";
import type { EvidenceWord } from "./words.js";
import type { Work } from "./work.js";

export class Ending {
  /** How it will be known that the work has ended. */
  evidence: EvidenceWord = "tasks_cancelled";
  readonly #connection: Connection;
  readonly #session_id: string;
  readonly #grace_ms: number;
  readonly #work: Work;
  readonly #acknowledgement: Acknowledgement;
  #over: Promise<void> = Promise.resolve();

  constructor(connection: Connection, session_id: string, plan: SessionPlan, work: Work) {
    this.#connection = connection;
    this.#session_id = session_id;
    this.#grace_ms = plan.grace_ms;
    this.#work = work;
    this.#acknowledgement = new Acknowledgement(connection, session_id, plan.supervisor);
  }

  /** Resolves when the work has ended and that is said, or given up; at once before a stop. Never rejects. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** The server has given the stop a name: from here on it can be acknowledged. */
  name(halt_id: string): void {
    this.#acknowledgement.name(halt_id);
  }

  /** @param told the callbacks, which are under way */
  begin({ status }: SessionTerminated, told: readonly Promise<void>[]): void {
    this.#over = this.#end(status === "ended", Promise.all(told));
  }

  async #end(without_order: boolean, told: Promise<unknown>): Promise<void> {
    const { clock } = this.#connection.platform;
    const late = clock.after(this.#grace_ms, () => this.#tellLate());
    // A callback that hangs is left behind.
    await Promise.race([told, sleep(clock, this.#grace_ms)]);
    await this.#work.ended();
    late.cancel();
    // Nobody ordered it to stop: there is nothing to acknowledge.
    if (without_order) return;
    this.#acknowledgement.stopped(this.evidence);
    await this.#acknowledgement.said();
  }

  #tellLate(): void {
    const running = this.#work.running();
    if (running.length === 0) return;
    this.#connection.platform.warn(
      `session ${this.#session_id} was stopped ${this.#grace_ms / 1000} s ago and still runs: ${running.join(", ")}`,
    );
  }
}
