/** Node's own functions for a verifier. */
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { isP256 } from "./note.js";
import type { VerifyCrypto } from "./verify-crypto.js";

// SPKI DER of an Ed25519 key: everything before its 32 bytes.
const ed25519_prefix = Buffer.from("302a300506032b6570032100", "hex");

// Parsed keys by the bytes they came from: whoever checks many signatures keeps those and asks again.
const parsed = new WeakMap<Uint8Array, KeyObject | null>();

function keyOf(bytes: Uint8Array, spki: Uint8Array): KeyObject | null {
  let key = parsed.get(bytes);
  if (key === undefined) {
    try {
      key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    } catch {
      // A point that is not on the curve: nothing can be signed by it.
      key = null;
    }
    parsed.set(bytes, key);
  }
  return key;
}

export const node_crypto: VerifyCrypto = {
  sha256: (bytes) => hash("sha256", bytes, "buffer"),
  sha256Text: (text) => hash("sha256", text, "buffer"),
  sha256Hex: (text) => hash("sha256", text, "hex"),

  verifyP256: (spki, message, signature) => {
    const key = isP256(spki) ? keyOf(spki, spki) : null;
    return key !== null && verify("sha256", message, { key, dsaEncoding: "der" }, signature);
  },

  verifyEd25519: (raw, message, signature) => {
    const key = raw.length === 32 ? keyOf(raw, Buffer.concat([ed25519_prefix, raw])) : null;
    return key !== null && signature.length === 64 && verify(null, message, key, signature);
  },
};
