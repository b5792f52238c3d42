/** ECDSA P-256 with SHA-256: key ids, signatures, and signing a batch (vault-format.md, 4 and 5). */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { sha256 } from "./hash.js";

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

/** An entry key in use. */
export class Signer {
  readonly key_id: string;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
    this.key_id = keyId(spkiOf(key));
  }

  /** Signs each text: DER, base64. On the thread pool, which leaves the event loop free. */
  sign(texts: readonly string[]): Promise<readonly string[]> {
    return Promise.all(texts.map((text) => this.#sign(text)));
  }

  #sign(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      sign("sha256", Buffer.from(text), this.#key, (error, signature) =>
        error ? reject(error) : resolve(signature.toString("base64")),
      );
    });
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
