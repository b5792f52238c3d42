import { createHash, hash } from "node:crypto";

/** SHA-256 of the UTF-8 bytes of a text, as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return hash("sha256", text, "hex");
}

/** SHA-256 of bytes, then the UTF-8 bytes of a text, as 64 lower-case hex digits. */
export function saltedSha256Hex(salt: Uint8Array, text: string): string {
  return createHash("sha256").update(salt).update(text, "utf8").digest("hex");
}

/** SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
