import { sha256 } from "./hash.js";

/**
 * A verifier key of a log or a witness: `name+hex(id)+base64(type || key)` (vault-format.md, 6). Type 0x01
 * is Ed25519 with its raw 32 bytes, 0x02 is ECDSA P-256 with its SPKI DER, whose id leaves the name out,
 * 0x04 is a witness's Ed25519.
 */
export function logVkey(name: string, type: 0x01 | 0x02 | 0x04, public_key: Uint8Array): string {
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type]), public_key]);
  const id = sha256(type === 0x02 ? public_key : named).subarray(0, 4);
  const key = Buffer.concat([Buffer.from([type]), public_key]);
  return `${name}+${Buffer.from(id).toString("hex")}+${key.toString("base64")}`;
}
