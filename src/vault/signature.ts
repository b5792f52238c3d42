/** One signature: ECDSA P-256 with SHA-256, as DER in base64 (vault-format.md, 4). */
import { type KeyObject, sign, verify } from "node:crypto";

/** Signs a text in this thread. */
export function signText(key: KeyObject, text: string): string {
  return signBytes(key, Buffer.from(text)).toString("base64");
}

/** Signs bytes in this thread: DER. */
export function signBytes(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign("sha256", bytes, key);
}

/** Verifies a DER, base64 signature of a text on libuv's thread pool; false for any malformed one. */
export function verifyText(public_key: KeyObject, text: string, signature: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify("sha256", Buffer.from(text), public_key, Buffer.from(signature, "base64"), (error, good) =>
      error ? reject(error) : resolve(good),
    );
  });
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
