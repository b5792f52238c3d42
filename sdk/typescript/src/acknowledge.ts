/**
 * Tells the server how far a stopped session is: STOPPING at once, STOPPED when its work has ended and
 * not before, however long that takes.
 */
import { HaltEvidence, HaltPhase } from "../gen/killcord/v1/session_pb.js";
import type { Connection } from "./connection.js";
import { KillcordError } from "./errors.js";
import { type EvidenceWord, evidence_codes } from "./words.js";

/** For how long each acknowledgement is tried. */
const acknowledge_ms = 10_000;

export class Acknowledgement {
  readonly #connection: Connection;
  readonly #session_id: string;
  readonly #supervisor: boolean;
  #halt_id: string | undefined;
  /** What is to be said when the stop has a name. */
  #evidence: EvidenceWord | null = null;
  #stopping: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  constructor(connection: Connection, session_id: string, supervisor: boolean) {
    this.#connection = connection;
    this.#session_id = session_id;
    this.#supervisor = supervisor;
  }

  /** The server has named the stop. */
  name(halt_id: string): void {
    if (this.#halt_id !== undefined) return;
    this.#halt_id = halt_id;
    this.#stopping = this.#say(halt_id, HaltPhase.STOPPING, HaltEvidence.UNSPECIFIED);
    this.#confirm();
  }

  /** The work has ended. */
  stopped(evidence: EvidenceWord): void {
    this.#evidence ??= evidence;
    this.#confirm();
  }

  /** Resolves when all that can be said now is said or given up; never rejects. */
  async said(): Promise<void> {
    await this.#stopping;
    await this.#stopped;
  }

  #confirm(): void {
    const halt_id = this.#halt_id;
    const evidence = this.#evidence;
    if (halt_id === undefined || evidence === null || this.#stopped !== null) return;
    // In order, so that the server sees both.
    this.#stopped = (this.#stopping ?? Promise.resolve()).then(() =>
      this.#say(halt_id, HaltPhase.STOPPED, evidence_codes[evidence]),
    );
  }

  async #say(halt_id: string, phase: HaltPhase, evidence: HaltEvidence): Promise<void> {
    const request = {
      sessionId: this.#session_id,
      haltId: halt_id,
      phase,
      evidence,
      supervisor: this.#supervisor,
    };
    try {
      await this.#connection.call({ timeout_ms: acknowledge_ms, urgent: true }, (services, options) =>
        services.sessions.acknowledgeHalt(request, options),
      );
    } catch (error) {
      const why = error instanceof KillcordError ? error.message : String(error);
      this.#connection.platform.warn(
        `the stop of ${this.#session_id} could not be acknowledged (${HaltPhase[phase]}): ${why}`,
      );
    }
  }
}
