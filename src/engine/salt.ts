/** Salts (vault-format.md, 2): random bytes are drawn for many at once, since each call is dear. */
import { randomFillSync } from "node:crypto";

const salt_bytes = 16;
const drawn = Buffer.alloc(256 * salt_bytes);
let used = drawn.length;

/** 32 hex digits from a CSPRNG, never the same twice. */
export function newSalt(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += salt_bytes;
  return drawn.toString("hex", used - salt_bytes, used);
}
