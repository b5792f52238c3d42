/**
 * One entry of the log: envelope, leaf and what they are made of (vault-format.md, 4). Pure text:
 * whoever hashes and signs brings the functions for it.
 */
import { limits } from "../limits.js";
import { isBase64 } from "./base64.js";
import { canonical } from "./canonical.js";
import type { StoredEntry } from "./journal.js";
import { isTime } from "./time.js";

/** The algorithm of every signature of an entry and of the certificate of its key. */
export const signature_algorithm = "ECDSA_P256_SHA256";

const entry_type = "audit_event";

/** What the entry's hash covers: with `previous_hash` null only at index 0. */
export interface Link {
  readonly sequence_number: number;
  readonly previous_hash: string | null;
  readonly content_hash: string;
  readonly signed_at: string;
}

export interface EntrySignature {
  readonly key_id: string;
  readonly algorithm: typeof signature_algorithm;
  /** DER, base64. */
  readonly value: string;
}

export interface Envelope extends Link {
  readonly v: 1;
  /** The origin of the log. */
  readonly log: string;
  readonly entry_id: string;
  readonly entry_type: typeof entry_type;
  readonly entry_hash: string;
  readonly signature: EntrySignature;
}

/** An entry of the log, with what readers ask its leaf for most. */
export interface SealedEntry extends StoredEntry {
  readonly entry_id: string;
  readonly entry_hash: string;
  readonly signed_at: string;
}

/** The stored entry with what its leaf says. */
export function sealedOf(stored: StoredEntry, leaf: Envelope): SealedEntry {
  return { ...stored, entry_id: leaf.entry_id, entry_hash: leaf.entry_hash, signed_at: leaf.signed_at };
}

/** A text that is not the leaf of any envelope. */
export class LeafError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LeafError";
  }
}

/** The line whose SHA-256 is the entry's hash. */
export function hashedLine(link: Link): string {
  const previous = link.previous_hash ?? "genesis";
  return `${link.sequence_number}|${previous}|${link.content_hash}|${entry_type}|${link.signed_at}`;
}

/** The entry's id: `ve_`, its index as 12 hex digits, the first 12 of its hash. */
export function entryId(sequence_number: number, entry_hash: string): string {
  return `ve_${sequence_number.toString(16).padStart(12, "0")}${entry_hash.slice(0, 12)}`;
}

/** Puts the parts of an envelope together. */
export function envelopeOf(
  log: string,
  link: Link,
  entry_hash: string,
  key_id: string,
  signature: string,
): Envelope {
  return {
    v: 1,
    log,
    sequence_number: link.sequence_number,
    entry_id: entryId(link.sequence_number, entry_hash),
    entry_type,
    previous_hash: link.previous_hash,
    content_hash: link.content_hash,
    entry_hash,
    signed_at: link.signed_at,
    signature: { key_id, algorithm: signature_algorithm, value: signature },
  };
}

/**
 * The leaf: the canonical envelope. Written as a template because it is made for every entry; a test
 * holds it to what canonical() says.
 */
export function leafOf(e: Envelope): string {
  const previous = e.previous_hash === null ? "null" : `"${e.previous_hash}"`;
  const s = e.signature;
  const leaf =
    `{"content_hash":"${e.content_hash}","entry_hash":"${e.entry_hash}","entry_id":"${e.entry_id}",` +
    `"entry_type":"${e.entry_type}","log":${canonical(e.log)},"previous_hash":${previous},` +
    `"sequence_number":${e.sequence_number},"signature":{"algorithm":"${s.algorithm}",` +
    `"key_id":"${s.key_id}","value":"${s.value}"},"signed_at":"${e.signed_at}","v":${e.v}}`;
  if (leaf.length > limits.leaf_bytes) {
    throw new LeafError(`a leaf of ${leaf.length} bytes is above ${limits.leaf_bytes}`);
  }
  return leaf;
}

const hash_pattern = /^[0-9a-f]{64}$/;
const id_pattern = /^ve_[0-9a-f]{24}$/;
const key_pattern = /^vsk_[0-9a-f]{16}$/;

/**
 * Reads a leaf. Its members, types and patterns are as in vault-format.md, 4, and its bytes are the
 * canonical ones; whether hashes and signature are right is for the caller to compute.
 *
 * @throws {LeafError} naming the member that is wrong
 */
export function parseLeaf(leaf: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(leaf);
  } catch {
    throw new LeafError("the leaf is not JSON");
  }
  const members = asObject(value, "the leaf");
  const signature = asObject(members.signature, "signature");
  const envelope = members as unknown as Envelope;
  for (const [name, good] of checks(members, signature)) {
    if (!good) {
      throw new LeafError(`${name} is missing or malformed`);
    }
  }
  // The same bytes again: no member too many, none twice, no other spelling.
  if (leafOf(envelope) !== leaf) {
    throw new LeafError("the leaf is not the canonical text of its envelope");
  }
  return envelope;
}

function* checks(
  e: Readonly<Record<string, unknown>>,
  s: Readonly<Record<string, unknown>>,
): Generator<[string, boolean]> {
  const matches = (value: unknown, pattern: RegExp) => typeof value === "string" && pattern.test(value);
  const index = e.sequence_number;
  yield ["v", e.v === 1];
  yield ["log", typeof e.log === "string" && isOrigin(e.log)];
  yield [
    "sequence_number",
    Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) <= limits.sequence_max,
  ];
  yield ["entry_id", matches(e.entry_id, id_pattern)];
  yield ["entry_type", e.entry_type === entry_type];
  yield ["previous_hash", index === 0 ? e.previous_hash === null : matches(e.previous_hash, hash_pattern)];
  yield ["content_hash", matches(e.content_hash, hash_pattern)];
  yield ["entry_hash", matches(e.entry_hash, hash_pattern)];
  yield ["signed_at", typeof e.signed_at === "string" && isTime(e.signed_at)];
  yield ["signature.key_id", matches(s.key_id, key_pattern)];
  yield ["signature.algorithm", s.algorithm === signature_algorithm];
  yield ["signature.value", typeof s.value === "string" && s.value !== "" && isBase64(s.value)];
}

function asObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LeafError(`${name} is not an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Whether a text can name a log: 1 to 200 printable ASCII characters, no space and no `+`. */
export function isOrigin(text: string): boolean {
  return /^[!-*,-~]{1,200}$/.test(text);
}
