/** The verifier's functions in plain JavaScript: they answer at once, which a browser's own do not. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesOf, toHex } from "../../../src/vault/encoding.js";
import { isP256 } from "../../../src/vault/note.js";
import type { VerifyCrypto } from "../../../src/vault/verify-crypto.js";

/** Bytes of a P-256 point: 0x04, x, y. */
const point_bytes = 65;

export const noble_crypto: VerifyCrypto = {
  sha256,
  sha256Text: (text) => sha256(bytesOf(text)),
  sha256Hex: (text) => toHex(sha256(bytesOf(text))),

  verifyP256: (spki, message, signature) => {
    const point = spki.subarray(-point_bytes);
    return (
      isP256(spki) && holds(() => p256.verify(signature, message, point, { format: "der", lowS: false }))
    );
  },

  verifyEd25519: (key, message, signature) =>
    holds(() => ed25519.verify(signature, message, key, { zip215: false })),
};

/** What is malformed does not verify. */
function holds(verified: () => boolean): boolean {
  try {
    return verified();
  } catch {
    return false;
  }
}
