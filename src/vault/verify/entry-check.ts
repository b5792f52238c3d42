/** Stage E, one entry: its fields, its place in the chain, its hashes and its signature (vault-format.md, 9). */
import { limits } from "../../limits.js";
import { canonical } from "../canonical.js";
import { bytesOf, fromBase64 } from "../encoding.js";
import { entryId, hashedLine, leafOf, signature_algorithm } from "../entry.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import type { VerifyCode } from "./code.js";
import type { EntryKeys } from "./keys.js";
import {
  base64,
  count,
  digest,
  entry_id,
  exact,
  isObject,
  type JsonObject,
  key_id,
  list,
  nullable,
  object,
  oneOf,
  text,
  time,
} from "./shape.js";

/** What an entry line holds, once its members are known to be there. */
export interface Entry {
  readonly v: 1;
  readonly log: string;
  readonly sequence_number: number;
  readonly entry_id: string;
  readonly entry_type: "audit_event";
  readonly previous_hash: string | null;
  readonly content_hash: string;
  readonly entry_hash: string;
  readonly signed_at: string;
  readonly signature: {
    readonly key_id: string;
    readonly algorithm: typeof signature_algorithm;
    readonly value: string;
  };
  readonly content: JsonObject;
  readonly details?: JsonObject;
  readonly inclusion_proof?: readonly string[];
}

/** What is the same for all entries of a bundle. */
export interface EntryContext {
  readonly kind: "full" | "slice";
  readonly origin: string;
  readonly keys: EntryKeys;
  readonly crypto: VerifyCrypto;
}

/** The place in the chain that the next entry has to take, by what the last one stated. */
export interface ChainPlace {
  /** The next index of a full log; in a slice, one above the last shown. */
  readonly expected: number;
  /** Hash and index of the last entry; null hash when it stated none that could be read. */
  readonly last: { readonly entry_hash: string | null; readonly sequence_number: number } | null;
  readonly signed_at: string;
  /** The key in force, known from the first entry on. */
  readonly key_id: string | null;
}

export const chain_start: ChainPlace = { expected: 0, last: null, signed_at: "", key_id: null };

type Fault = { readonly code: VerifyCode; readonly why: string };

const members = {
  v: oneOf(1),
  log: text,
  sequence_number: count,
  entry_id,
  entry_type: oneOf("audit_event"),
  previous_hash: nullable(digest),
  content_hash: digest,
  entry_hash: digest,
  signed_at: time,
  signature: exact({ key_id, algorithm: oneOf(signature_algorithm), value: base64 }),
  content: object,
};
const shapes = {
  full: exact(members, { details: object }),
  slice: exact(members, { details: object, inclusion_proof: list(base64) }),
};

interface Texts {
  readonly content: string;
  readonly details: string | null;
  readonly leaf: string;
}

/**
 * The canonical texts of an entry's parts, or null when one is longer or deeper than it may be.
 *
 * @param line the canonical text of the whole entry, when it is at hand: its content stands in it
 */
function textsOf(entry: Entry, line: string | null): Texts | null {
  try {
    const leaf = leafOf(entry);
    const shown = line === null || entry.inclusion_proof !== undefined ? null : line;
    const details = entry.details === undefined ? null : canonical(entry.details);
    const content = (shown && contentIn(shown, leaf, details)) ?? canonical(entry.content);
    return content.length + (details?.length ?? 0) > limits.entry_bytes ? null : { content, details, leaf };
  } catch {
    return null;
  }
}

const before_content = '{"content":'.length;
const around_details = '"details":,'.length;

/** The content out of the entry's own line; null when it may be nested too deep, and has to be walked. */
function contentIn(line: string, leaf: string, details: string | null): string | null {
  const shown = details === null ? 0 : details.length + around_details;
  const content = line.slice(before_content, line.length - shown - leaf.length);
  // Each level takes a bracket, also where it is only text.
  return brackets(content) > limits.canonical_depth ? null : content;
}

function brackets(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x7b || unit === 0x5b) {
      count++;
    }
  }
  return count;
}

function fieldFault(value: unknown, kind: "full" | "slice"): Fault | null {
  const misfit = shapes[kind](value);
  if (misfit !== null) {
    return { code: "entry.field", why: `the entry should be ${misfit}` };
  }
  const entry = value as Entry;
  if (entry.sequence_number > limits.sequence_max) {
    return { code: "entry.field", why: "sequence_number is not below 2^48" };
  }
  return (entry.previous_hash === null) === (entry.sequence_number === 0)
    ? null
    : { code: "entry.field", why: "previous_hash is null at index 0 and only there" };
}

function placeFault(entry: Entry, place: ChainPlace, context: EntryContext): Fault | null {
  const number = entry.sequence_number;
  if (entry.log !== context.origin) {
    return { code: "entry.origin", why: "the entry is one of another log" };
  }
  if (number > place.expected && context.kind === "full") {
    return { code: "chain.gap", why: `entry ${place.expected} should stand here` };
  }
  if (number < place.expected) {
    return { code: "chain.duplicate", why: `an entry above ${place.expected - 1} should stand here` };
  }
  const { last } = place;
  const neighbour = last !== null && last.sequence_number + 1 === number;
  return neighbour && last.entry_hash !== null && entry.previous_hash !== last.entry_hash
    ? { code: "chain.previous_hash", why: "previous_hash is not the hash of the entry before" }
    : null;
}

function hashFault(entry: Entry, texts: Texts, context: EntryContext): Fault | null {
  const { sha256Hex: hashOf } = context.crypto;
  if (hashOf(texts.content) !== entry.content_hash) {
    return { code: "entry.content_hash", why: "content_hash is not the hash of the content" };
  }
  if (texts.details !== null && hashOf(texts.details) !== entry.content.details_digest) {
    return { code: "entry.details_digest", why: "the content does not commit to these details" };
  }
  if (hashOf(hashedLine(entry)) !== entry.entry_hash) {
    return { code: "entry.entry_hash", why: "entry_hash is not the hash of what the entry states" };
  }
  return entryId(entry.sequence_number, entry.entry_hash) === entry.entry_id
    ? null
    : { code: "entry.entry_id", why: "entry_id does not follow from the index and the hash" };
}

function signatureFault(entry: Entry, place: ChainPlace, context: EntryContext): Fault | null {
  const key = context.keys.get(entry.signature.key_id);
  if (key === undefined) {
    return { code: "entry.unknown_key", why: `the bundle has no certified key ${entry.signature.key_id}` };
  }
  if (entry.sequence_number < key.first_sequence) {
    return { code: "entry.key_range", why: `${key.key_id} may sign from index ${key.first_sequence} on` };
  }
  if (context.kind === "full" && place.key_id !== null && place.key_id !== key.key_id) {
    return { code: "entry.key_range", why: `${place.key_id} is the key in force here` };
  }
  const signature = fromBase64(entry.signature.value) as Uint8Array;
  return context.crypto.verifyP256(key.spki, bytesOf(entry.entry_hash), signature)
    ? null
    : { code: "entry.signature", why: `${key.key_id} did not sign this hash` };
}

export interface CheckedEntry {
  readonly leaf: string;
  /** Characters, and bytes, of the canonical content. */
  readonly content_length: number;
}

/**
 * The leaf of an entry that stands rightly at this place of the chain, or the first thing wrong with it.
 *
 * @param line the canonical text that spells the value, when it is at hand
 */
export function checkEntry(
  value: unknown,
  place: ChainPlace,
  context: EntryContext,
  line: string | null = null,
): CheckedEntry | Fault {
  const misfit = fieldFault(value, context.kind);
  if (misfit !== null) {
    return misfit;
  }
  const entry = value as Entry;
  const texts = textsOf(entry, line);
  if (texts === null) {
    return { code: "entry.field", why: "the entry is larger or nested deeper than an entry may be" };
  }
  const fault =
    placeFault(entry, place, context) ??
    hashFault(entry, texts, context) ??
    signatureFault(entry, place, context);
  if (fault !== null) {
    return fault;
  }
  return entry.signed_at < place.signed_at
    ? { code: "entry.time", why: "signed_at is earlier than that of the entry before" }
    : { leaf: texts.leaf, content_length: texts.content.length };
}

/** Where the chain goes on: by what the entry states, also when something else about it is wrong. */
export function nextPlace(value: unknown, place: ChainPlace): ChainPlace {
  const entry: JsonObject = isObject(value) ? value : {};
  const number = count(entry.sequence_number) === null ? (entry.sequence_number as number) : place.expected;
  const entry_hash = digest(entry.entry_hash) === null ? (entry.entry_hash as string) : null;
  return {
    expected: number + 1,
    last: { entry_hash, sequence_number: number },
    signed_at: time(entry.signed_at) === null ? (entry.signed_at as string) : place.signed_at,
    key_id: keyInForce(entry, place),
  };
}

function keyInForce(entry: JsonObject, place: ChainPlace): string | null {
  const content = isObject(entry.content) ? entry.content : {};
  if (content.event === "key_rotated" && content.purpose === "entry" && isObject(content.entry_key)) {
    return typeof content.entry_key.key_id === "string" ? content.entry_key.key_id : place.key_id;
  }
  const signer = isObject(entry.signature) ? entry.signature.key_id : null;
  // The first signer is in force until the log says otherwise; that genesis names it is checked in H.
  return place.key_id ?? (typeof signer === "string" ? signer : null);
}
