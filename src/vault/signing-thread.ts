/** A thread that signs, so that the event loop does not: one message for many texts. */
import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";

interface Asked {
  readonly resolve: (signatures: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

export class SigningThread {
  readonly #worker: Worker;
  /** The thread answers in the order in which it was asked. */
  readonly #asked: Asked[] = [];
  #ready = false;
  #error: Error | null = null;

  constructor(key: KeyObject) {
    this.#worker = new Worker(new URL("./signing.js", import.meta.url), { workerData: key });
    this.#worker.on("online", () => {
      this.#ready = true;
    });
    this.#worker.on("message", (signatures: readonly string[]) => this.#onSigned(signatures));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that signs has ended")));
    // After the listeners, each of which would undo it: only an open question keeps the process alive.
    this.#worker.unref();
  }

  /** Whether it has begun to work. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Signs each text: DER, base64. */
  sign(texts: readonly string[]): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) {
        reject(this.#error);
        return;
      }
      if (this.#asked.push({ resolve, reject }) === 1) {
        this.#worker.ref();
      }
      this.#worker.postMessage(texts);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #onSigned(signatures: readonly string[]): void {
    this.#asked.shift()?.resolve(signatures);
    if (this.#asked.length === 0) {
      this.#worker.unref();
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of this.#asked.splice(0)) {
      reject(this.#error);
    }
  }
}
