/** ECDSA P-256 with SHA-256: key ids, signatures, and signing a batch (vault-format.md, 4 and 5). */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { limits } from "../limits.js";
import { sha256 } from "./hash.js";
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

/** Signs a text on the event loop: DER, base64. */
export function signText(key: KeyObject, text: string): string {
  return sign("sha256", Buffer.from(text), key).toString("base64");
}

/** Verifies a DER, base64 signature of a text on libuv's thread pool; false for any malformed one. */
export function verifyText(public_key: KeyObject, text: string, signature: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify("sha256", Buffer.from(text), public_key, Buffer.from(signature, "base64"), (error, good) =>
      error ? reject(error) : resolve(good),
    );
  });
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

/**
 * A signature as devices give it, r and s of 32 bytes each, as DER: two integers, each without
 * needless zeros and with one where its first bit would read as a minus sign.
 */
export function derFromRaw(raw: Uint8Array): Uint8Array {
  if (raw.length !== 64) {
    throw new RangeError(`a raw P-256 signature has 64 bytes, not ${raw.length}`);
  }
  const body = [...derInteger(raw.subarray(0, 32)), ...derInteger(raw.subarray(32))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

function derInteger(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? [0] : [...bytes.subarray(first)];
  const padded = (digits[0] as number) >= 0x80 ? [0, ...digits] : digits;
  return [0x02, padded.length, ...padded];
}
