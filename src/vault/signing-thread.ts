/**
 * A thread that signs, so that the event loop does not. Texts go to it in messages of a few; whoever
 * claims a message first signs it, so that an event loop that has to wait can take some back.
 */
import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";
import { limits } from "../limits.js";
import type { Signed, SigningWork, Unsigned } from "./signing.js";
import { claim, newClaims } from "./signing-claims.js";

interface Asked {
  readonly texts: readonly string[];
  readonly resolve: (signatures: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

export class SigningThread {
  readonly #worker: Worker;
  readonly #claims = newClaims(limits.signing_messages);
  /** Messages without their signatures yet, oldest first. */
  readonly #asked = new Map<number, Asked>();
  #next = 0;
  #ready = false;
  #error: Error | null = null;

  constructor(key: KeyObject) {
    const workerData: SigningWork = { key, claims: this.#claims };
    this.#worker = new Worker(new URL("./signing.js", import.meta.url), { workerData });
    this.#worker.on("online", () => {
      this.#ready = true;
    });
    this.#worker.on("message", ({ message, signatures }: Signed) => this.#onSigned(message, signatures));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that signs has ended")));
    // After the listeners, each of which would undo it: only an open question keeps the process alive.
    this.#worker.unref();
  }

  /** Whether it has begun to work, and has room for one more message. */
  get ready(): boolean {
    return this.#ready && this.#asked.size < limits.signing_messages;
  }

  /** Signs each text: DER, base64. */
  sign(texts: readonly string[]): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) {
        reject(this.#error);
        return;
      }
      const message = this.#next++;
      this.#asked.set(message, { texts, resolve, reject });
      if (this.#asked.size === 1) {
        this.#worker.ref();
      }
      this.#worker.postMessage({ message, texts } satisfies Unsigned);
    });
  }

  /**
   * Takes back the oldest message that the thread has not begun and signs it here.
   *
   * @returns whether there was one
   */
  signOneHere(sign: (text: string) => string): boolean {
    for (const [message, { texts }] of this.#asked) {
      if (claim(this.#claims, message)) {
        this.#onSigned(message, texts.map(sign));
        return true;
      }
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #onSigned(message: number, signatures: readonly string[]): void {
    const asked = this.#asked.get(message);
    this.#asked.delete(message);
    if (this.#asked.size === 0) {
      this.#worker.unref();
    }
    asked?.resolve(signatures);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of this.#asked.values()) {
      reject(this.#error);
    }
    this.#asked.clear();
  }
}
