/** The root's word for an entry key (vault-format.md, 5). Pure text, like entry.ts. */
import type { signature_algorithm } from "./entry.js";

/** Where the private key of an entry key lives. */
export type Backend = "local" | "kms" | "pkcs11";

/** What a certificate says. */
export interface CertifiedKey {
  readonly key_id: string;
  /** The lowest index that the key may sign. */
  readonly first_sequence: number;
  readonly created_at: string;
  readonly backend: Backend;
  /** SPKI DER, base64. */
  readonly public_key: string;
}

/** An entry key as vault_opened and key_rotated state it. */
export interface EntryKey extends CertifiedKey {
  readonly algorithm: typeof signature_algorithm;
  readonly root_key_id: string;
  /** The root's signature over certificateText, DER, base64. */
  readonly certificate: string;
}

/** The seven lines that the root signs. */
export function certificateText(origin: string, key: CertifiedKey): string {
  const lines = [
    "killcord-entry-key/v1",
    origin,
    key.key_id,
    String(key.first_sequence),
    key.created_at,
    key.backend,
    key.public_key,
  ];
  return `${lines.join("\n")}\n`;
}
