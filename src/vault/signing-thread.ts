/**
 * A thread that signs, so that the event loop does not. Texts go to it in messages of a few, by
 * memory that both share; whoever claims a message first signs it, so that an event loop that has to
 * wait can take some back.
 */
import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";
import { limits } from "../limits.js";
import type { SigningWork } from "./signing.js";
import { claim, isWaiting, newRing, post, signaturesOf } from "./signing-ring.js";

interface Asked {
  readonly texts: readonly string[];
  readonly resolve: (signatures: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

export class SigningThread {
  readonly #worker: Worker;
  readonly #ring = newRing();
  /** Messages without their signatures yet, oldest first. */
  readonly #asked = new Map<number, Asked>();
  #next = 0;
  #ready = false;
  #error: Error | null = null;

  constructor(key: KeyObject) {
    const workerData: SigningWork = { key, ring: this.#ring };
    this.#worker = new Worker(new URL("./signing.js", import.meta.url), { workerData });
    this.#worker.on("online", () => {
      this.#ready = true;
    });
    this.#worker.on("message", (message: number) => {
      const signatures = signaturesOf(this.#ring, message);
      this.#onSigned(
        message,
        signatures.map((signature) => signature.toString("base64")),
      );
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that signs has ended")));
    // After the listeners, each of which would undo it: only an open question keeps the process alive.
    this.#worker.unref();
  }

  /** Whether it has begun to work, and has room for one more message. */
  get ready(): boolean {
    const [oldest = this.#next] = this.#asked.keys();
    return this.#ready && this.#next - oldest < limits.signing_messages;
  }

  /**
   * Signs each text: DER, base64.
   *
   * @param texts no more than a message holds, see post of signing-ring.ts
   */
  sign(texts: readonly string[]): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) {
        reject(this.#error);
        return;
      }
      const message = this.#next;
      post(this.#ring, message, texts);
      this.#next += 1;
      this.#asked.set(message, { texts, resolve, reject });
      if (this.#asked.size === 1) {
        this.#worker.ref();
      }
    });
  }

  /**
   * Takes back a message and signs it here, if the thread is behind: if others wait before it. The
   * next one is the thread's, which is quicker at it than an event loop that has other things to do.
   *
   * @returns whether there was one
   */
  signOneHere(sign: (text: string) => string): boolean {
    let is_next = true;
    for (const [message, { texts }] of this.#asked) {
      if (is_next) {
        is_next = !isWaiting(this.#ring, message);
      } else if (claim(this.#ring, message)) {
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
