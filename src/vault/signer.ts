/** The key that signs entries: its id, and signing many at once (vault-format.md, 4 and 5). */
import { createPublicKey, type KeyObject } from "node:crypto";
import { limits } from "../limits.js";
import { sha256 } from "./hash.js";
import { signText } from "./signature.js";
import { SigningThread } from "./signing-thread.js";

/** The public half of a key as SPKI DER. */
export function spkiOf(key: KeyObject): Buffer {
  const public_key = key.type === "private" ? createPublicKey(key) : key;
  return public_key.export({ type: "spki", format: "der" });
}

/** The id of a root or entry key: `vsk_` and the first 16 hex digits of SHA-256 of its SPKI DER. */
export function keyId(spki: Uint8Array): string {
  return `vsk_${Buffer.from(sha256(spki)).toString("hex").slice(0, 16)}`;
}

interface Gathered {
  readonly texts: readonly string[];
  readonly resolve: (signatures: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An entry key in use. Texts of one turn of the event loop are gathered: a few are signed on the
 * spot, since a thread would cost more than it saves; many are signed by a thread, while the event
 * loop goes on. When the log waits for signatures, the event loop signs too: see `hurry`.
 */
export class Signer {
  readonly key_id: string;
  readonly #key: KeyObject;
  #gathered: Gathered[] = [];
  #texts = 0;
  #thread: SigningThread | null = null;
  #hurried = false;

  constructor(key: KeyObject) {
    this.#key = key;
    this.key_id = keyId(spkiOf(key));
  }

  /** Signs each text: DER, base64. */
  sign(texts: readonly string[]): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.#gathered.push({ texts, resolve, reject });
      this.#texts += texts.length;
      if (this.#texts >= limits.signatures_per_message) {
        this.#signGathered();
      } else if (this.#gathered.length === 1) {
        setImmediate(() => this.#signGathered());
      }
    });
  }

  /**
   * Says that somebody waits for what was asked so far. Until the thread has begun all of it, the
   * event loop takes a message back in each of its turns: who waits for it has nothing better to do.
   */
  hurry(): void {
    if (!this.#hurried && this.#thread !== null) {
      this.#hurried = true;
      setImmediate(() => this.#help());
    }
  }

  /** Ends the thread; what it has not signed is rejected. */
  async close(): Promise<void> {
    await this.#thread?.close();
  }

  #help(): void {
    this.#hurried = false;
    if (this.#thread?.signOneHere((text) => signText(this.#key, text))) {
      this.hurry();
    }
  }

  #signGathered(): void {
    const gathered = this.#gathered;
    const many = this.#texts >= limits.signatures_off_loop;
    this.#gathered = [];
    this.#texts = 0;
    if (many) {
      this.#thread ??= new SigningThread(this.#key);
    }
    if (many && this.#thread?.ready) {
      void this.#signElsewhere(gathered, this.#thread);
      return;
    }
    for (const { texts, resolve } of gathered) {
      resolve(texts.map((text) => signText(this.#key, text)));
    }
  }

  async #signElsewhere(gathered: readonly Gathered[], thread: SigningThread): Promise<void> {
    try {
      const texts = gathered.flatMap((one) => one.texts);
      const signatures = (
        await Promise.all(Array.from(inMessages(texts), (some) => thread.sign(some)))
      ).flat();
      let from = 0;
      for (const { texts, resolve } of gathered) {
        resolve(signatures.slice(from, from + texts.length));
        from += texts.length;
      }
    } catch (error) {
      for (const { reject } of gathered) {
        reject(error as Error);
      }
    }
  }
}

/** Few enough in each message that an event loop that signs one is not held up for long. */
function* inMessages(texts: readonly string[]): Generator<readonly string[], void, undefined> {
  for (let from = 0; from < texts.length; from += limits.signatures_per_message) {
    yield texts.slice(from, from + limits.signatures_per_message);
  }
}
