/**
 * The erasable part of an entry, made of what a client sent (vault-format.md, 1 and 2). Pure: the
 * salt comes from the caller, so the same request gives the same bytes.
 */
import { limits } from "../limits.js";
import { byCodePoint, CanonicalError, canonical, type Json } from "./canonical.js";
import { saltedSha256Hex, sha256Hex } from "./hash.js";

/** JSON as a client sends it: any double is a number. */
export type ClientJson =
  | null
  | boolean
  | number
  | string
  | readonly ClientJson[]
  | { readonly [member: string]: ClientJson };

/** A client's value as it is sealed, and the RFC 6901 pointers of the doubles that became text. */
export interface Decimals {
  readonly value: Json;
  /** Sorted by code point, unique; `_decimals` when it is not empty. */
  readonly decimals: readonly string[];
}

/**
 * Rewrites the numbers of a client's value: -0 is 0, safe integers stay, other finite doubles become
 * their ECMAScript text and are listed.
 *
 * @param pointer where the value stands in the object that gets the list, e.g. `/action_metadata`
 * @throws {CanonicalError} for a value that can't be sealed there
 */
export function decimals(value: ClientJson, pointer: string): Decimals {
  const found: Found = { pointers: [], characters: 0 };
  const depth = pointer.split("/").length - 1;
  return { value: rewrite(value, pointer, depth, found), decimals: found.pointers.sort(byCodePoint) };
}

interface Found {
  readonly pointers: string[];
  characters: number;
}

function rewrite(value: ClientJson, pointer: string, depth: number, found: Found): Json {
  if (typeof value === "number") {
    return rewriteNumber(value, pointer, found);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  // Before descending, as in canonical(): a client must not choose how deep this recursion goes.
  if (depth >= limits.canonical_depth) {
    throw new CanonicalError("depth", `more than ${limits.canonical_depth} nested containers`);
  }
  if (Array.isArray(value)) {
    return value.map((item: ClientJson, i) => rewrite(item, `${pointer}/${i}`, depth + 1, found));
  }
  const members: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    // Assigning it would set the prototype and lose the member.
    if (key === "__proto__") {
      throw new CanonicalError("key", "the key __proto__ is refused");
    }
    const token = key.replaceAll("~", "~0").replaceAll("/", "~1");
    members[key] = rewrite(member, `${pointer}/${token}`, depth + 1, found);
  }
  return members;
}

function rewriteNumber(value: number, pointer: string, found: Found): Json {
  if (!Number.isFinite(value)) {
    throw new CanonicalError("number", `${value} at ${pointer} is not finite`);
  }
  if (Number.isSafeInteger(value)) {
    // Adding zero turns -0 into 0.
    return value + 0;
  }
  // One long key above many numbers makes a list many times as long as what was sent.
  found.characters += pointer.length;
  if (found.characters > limits.decimals_characters) {
    throw new CanonicalError("size", "too many numbers that are not integers lie too deep to be listed");
  }
  found.pointers.push(pointer);
  return String(value);
}

/** What the content says about the action's text and its details. */
export interface DetailsReference {
  readonly details_digest: string | null;
  readonly action_digest: string | null;
  /** Bytes of the action's text as UTF-8. */
  readonly action_length: number | null;
}

export interface Details extends DetailsReference {
  /** Canonical details, or null when the action had neither text nor metadata. */
  readonly details: string | null;
}

/** What a client sent with an action. */
export interface ClientDetails {
  /** 32 hex digits from a cryptographic source, used for this action only. */
  readonly salt: string;
  readonly metadata: ClientJson;
  readonly action_content: string | null;
}

/**
 * Makes the details of an action. Metadata that is too large is replaced by its digest: it must
 * neither block a stop nor swell the log.
 *
 * @param bytes_max longest details allowed: less than the limit of details where content leaves less room
 * @throws {CanonicalError} for metadata that can't be sealed
 */
export function makeDetails(
  { salt, metadata, action_content }: ClientDetails,
  bytes_max: number = limits.details_bytes,
): Details {
  if (metadata === null && action_content === null) {
    return { details: null, details_digest: null, action_digest: null, action_length: null };
  }
  const salt_bytes = saltBytes(salt);
  const details = metadataDetails(salt, salt_bytes, metadata, bytes_max);
  return {
    details,
    details_digest: sha256Hex(details),
    action_digest: action_content === null ? null : saltedSha256Hex(salt_bytes, action_content),
    action_length: action_content === null ? null : Buffer.byteLength(action_content),
  };
}

function metadataDetails(salt: string, salt_bytes: Buffer, metadata: ClientJson, bytes_max: number): string {
  if (metadata === null) {
    return canonical({ _salt: salt });
  }
  const { value, decimals: list } = decimals(metadata, "/action_metadata");
  const unsalted =
    list.length === 0 ? { action_metadata: value } : { _decimals: list, action_metadata: value };
  // No bound here: this may be the text that turns out to be too large.
  const details = canonical({ _salt: salt, ...unsalted }, Number.POSITIVE_INFINITY);
  if (details.length <= Math.min(bytes_max, limits.details_bytes)) {
    return details;
  }
  const text = canonical(unsalted, Number.POSITIVE_INFINITY);
  return canonical({
    _salt: salt,
    action_metadata_bytes: text.length,
    action_metadata_digest: saltedSha256Hex(salt_bytes, text),
  });
}

function saltBytes(salt: string): Buffer {
  if (!/^[0-9a-f]{32}$/.test(salt)) {
    throw new RangeError("a salt is 32 lower-case hex digits");
  }
  return Buffer.from(salt, "hex");
}
