/** A C2SP tlog-witness: cosigns a log's checkpoint when it grew out of the last one that it saw. */
import type { VerifyCrypto } from "../vault/verify-crypto.js";
import type { Cosigner } from "./cosigner.js";
import { judgeCheckpoint, type KnownLogs, originOf, type Refusal } from "./judge.js";
import type { Memory } from "./memory.js";

/** What a witness needs. */
export interface WitnessParts {
  readonly cosigner: Cosigner;
  readonly logs: KnownLogs;
  readonly memory: Pick<Memory, "latest" | "keep">;
  readonly crypto: VerifyCrypto;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/** The answer to add-checkpoint; with 200 the body is the cosignature's line. */
export type Answer =
  | Refusal
  | { readonly status: 200; readonly body: string; readonly type: Refusal["type"] };

export class Witness {
  private readonly parts: WitnessParts;
  /** Of each log the request under way: the next is judged by what that one leaves behind. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #broken: Error | null = null;

  constructor(parts: WitnessParts) {
    this.parts = parts;
  }

  get vkey(): string {
    return this.parts.cosigner.vkey;
  }

  /**
   * Judges one request. Check, record and answer of one log are one step that no other comes between.
   *
   * @throws when the record cannot be written; then what is on disk is unknown, and nothing more is
   *   cosigned until a restart has read it
   */
  async addCheckpoint(body: Uint8Array): Promise<Answer> {
    const origin = originOf(body);
    if (origin === null || !this.parts.logs.has(origin)) {
      return this.#answer(body);
    }
    const before = this.#turns.get(origin);
    const turn = (before ?? Promise.resolve()).then(
      () => this.#answer(body),
      () => this.#answer(body),
    );
    this.#turns.set(origin, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(origin) === turn) {
        this.#turns.delete(origin);
      }
    }
  }

  async #answer(body: Uint8Array): Promise<Answer> {
    if (this.#broken !== null) {
      throw this.#broken;
    }
    const { logs, memory, crypto, cosigner, now } = this.parts;
    const judged = judgeCheckpoint(body, logs, (origin) => memory.latest(origin), crypto);
    if (judged.status !== 200) {
      return judged;
    }
    const line = cosigner.cosign(judged.text, Math.floor(now() / 1000));
    try {
      await memory.keep(judged.checkpoint, `${judged.text}\n${line}`);
    } catch (error) {
      this.#broken = error as Error;
      throw error;
    }
    return { status: 200, body: line, type: "text/plain; charset=utf-8" };
  }
}
