/** Stage C: the entry keys, and the root's word for them (vault-format.md, 5). */
import { byCodePoint } from "../canonical.js";
import { type Backend, certificateText } from "../certificate.js";
import { bytesOf, fromBase64, toBase64 } from "../encoding.js";
import { isP256 } from "../note.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import { type Failure, failure } from "./code.js";
import { signing_key } from "./header.js";
import { keyId, type Trust } from "./trust.js";

/** An entry key that a pinned root certified. */
export interface EntryKey {
  readonly key_id: string;
  readonly first_sequence: number;
  readonly created_at: string;
  readonly backend: Backend;
  readonly root_key_id: string;
  readonly certificate: string;
  readonly spki: Uint8Array;
  /** SPKI DER, base64. */
  readonly public_key: string;
}

export type EntryKeys = ReadonlyMap<string, EntryKey>;

interface SigningKey {
  readonly key_id: string;
  readonly backend: Backend;
  readonly public_key_pem: string;
  readonly created_at: string;
  readonly first_sequence: number;
  readonly root_key_id: string;
  readonly certificate: string;
}

/** The certified keys by their ids, or the first that is not as it should be. */
export function readKeys(
  listed: readonly unknown[],
  trust: Trust,
  crypto: VerifyCrypto,
): EntryKeys | Failure {
  const keys = new Map<string, EntryKey>();
  for (const [i, value] of listed.entries()) {
    const misfit = signing_key(value);
    const stated = value as SigningKey;
    const spki = misfit === null ? spkiOf(stated.public_key_pem) : null;
    if (misfit !== null || spki === null) {
      return failure("bundle.header", `signing key ${i} should be ${misfit ?? "a P-256 key as PEM"}`);
    }
    if (keyId(spki, crypto.sha256) !== stated.key_id) {
      return failure("keys.key_id", `${stated.key_id} is not the id of the key that it names`);
    }
    if (keys.has(stated.key_id)) {
      return failure("keys.duplicate", `${stated.key_id} is listed twice`);
    }
    const key = { ...stated, spki, public_key: toBase64(spki) };
    if (!isCertified(key, trust, crypto)) {
      return failure("keys.certificate", `${key.key_id} is not certified for this log by a pinned root`);
    }
    keys.set(key.key_id, key);
  }
  return inOrder([...keys.values()])
    ? keys
    : failure("bundle.header", "the signing keys are not in order of first_sequence and key_id");
}

function isCertified(key: EntryKey, trust: Trust, crypto: VerifyCrypto): boolean {
  const root = trust.entry_roots.find((pinned) => pinned.key_id === key.root_key_id);
  const certificate = fromBase64(key.certificate);
  return (
    root !== undefined &&
    certificate !== null &&
    crypto.verifyP256(root.spki, bytesOf(certificateText(trust.origin, key)), certificate)
  );
}

function inOrder(keys: readonly EntryKey[]): boolean {
  return keys.every((key, i) => {
    const before = keys[i - 1];
    return (
      before === undefined ||
      before.first_sequence < key.first_sequence ||
      (before.first_sequence === key.first_sequence && byCodePoint(before.key_id, key.key_id) < 0)
    );
  });
}

const pem_begin = "-----BEGIN PUBLIC KEY-----";
const pem_end = "-----END PUBLIC KEY-----";
const pem_columns = 64;

/** The SPKI in a PEM text of 64 columns with its final newline, or null for any other text. */
function spkiOf(pem: string): Uint8Array | null {
  const rows = pem.split("\n");
  const spki = fromBase64(rows.slice(1, -2).join(""));
  return spki !== null && isP256(spki) && pem === pemOf(spki) ? spki : null;
}

function pemOf(spki: Uint8Array): string {
  const encoded = toBase64(spki);
  let pem = `${pem_begin}\n`;
  for (let i = 0; i < encoded.length; i += pem_columns) {
    pem += `${encoded.slice(i, i + pem_columns)}\n`;
  }
  return `${pem}${pem_end}\n`;
}
