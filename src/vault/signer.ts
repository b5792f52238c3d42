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
 * loop goes on.
 */
export class Signer {
  readonly key_id: string;
  readonly #key: KeyObject;
  #gathered: Gathered[] = [];
  #texts = 0;
  #thread: SigningThread | null = null;

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

  /** Ends the thread; what it has not signed is rejected. */
  async close(): Promise<void> {
    await this.#thread?.close();
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
      const signatures = await thread.sign(gathered.flatMap(({ texts }) => texts));
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
