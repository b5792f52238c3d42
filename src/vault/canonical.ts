/**
 * Canonical JSON: one text for each value, so that hashes and signatures have one reading.
 * The form is that of vault-format.md, section 1: what Python's
 * `json.dumps(v, sort_keys=True, separators=(",", ":"))` prints, for the values that it allows.
 */
import { limits } from "../limits.js";

/** A value that has a canonical text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Why a value has no canonical text. */
export type CanonicalCode = "number" | "string" | "key" | "type" | "depth" | "size";

/** A value that has no canonical text. */
export class CanonicalError extends Error {
  readonly code: CanonicalCode;

  constructor(code: CanonicalCode, message: string) {
    super(message);
    this.name = "CanonicalError";
    this.code = code;
  }
}

/**
 * The canonical text of a value: pure ASCII, so its length is its size in bytes.
 *
 * @param value any value; what is not JSON is refused
 * @param bytes_max longest text allowed
 * @param depth_max most nested containers allowed
 * @throws {CanonicalError} naming the rule that the value breaks
 */
export function canonical(
  value: unknown,
  bytes_max: number = limits.entry_bytes,
  depth_max: number = limits.canonical_depth,
): string {
  const text = write(value, depth_max);
  if (text.length > bytes_max) {
    throw new CanonicalError(
      "size",
      `canonical text has ${text.length} bytes, at most ${bytes_max} are allowed`,
    );
  }
  return text;
}

/** Whether a text is the canonical text of the value that it spells. */
export function isCanonical(text: string, bytes_max: number = limits.entry_bytes): boolean {
  try {
    return canonical(JSON.parse(text), bytes_max) === text;
  } catch {
    return false;
  }
}

function write(value: unknown, levels: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
        throw new CanonicalError("number", `${Object.is(value, -0) ? "-0" : value} is not a safe integer`);
      }
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) {
        return "null";
      }
      // Before descending: a value that contains itself ends here too.
      if (levels <= 0) {
        throw new CanonicalError("depth", "too many nested containers");
      }
      return Array.isArray(value) ? writeArray(value, levels - 1) : writeObject(value, levels - 1);
    default:
      throw new CanonicalError("type", `${typeof value} is not JSON`);
  }
}

function writeArray(items: readonly unknown[], levels: number): string {
  if (Object.getPrototypeOf(items) !== Array.prototype) {
    throw new CanonicalError("type", "an instance of a class is not JSON");
  }
  let text = "[";
  // By index and not by iterator: a hole reads as undefined, which is refused.
  for (let i = 0; i < items.length; i++) {
    text += (i === 0 ? "" : ",") + write(items[i], levels);
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanonicalError("type", "an instance of a class is not JSON");
  }
  const members = value as Record<string, unknown>;
  const { sorted, quoted } = keysOf(members);
  let text = "{";
  for (let i = 0; i < sorted.length; i++) {
    text += `${quoted[i]}${write(members[sorted[i] as string], depth)}`;
  }
  return `${text}}`;
}

/** The keys of objects that are alike, and how they are written. */
interface Keys {
  readonly found: readonly string[];
  /** By code point. */
  readonly sorted: readonly string[];
  /** With what stands before and after them. */
  readonly quoted: readonly string[];
}

// Entries have few kinds of objects: sorting the keys of each anew took most of the time. A key list
// has one place, by its lengths; another one in it is simply sorted again.
const known_keys = new Array<Keys | undefined>(256);
const known_key_characters = 64;

function keysOf(members: object): Keys {
  const found = Object.keys(members);
  const first = found[0]?.length ?? 0;
  const last = found.at(-1)?.length ?? 0;
  const place = (found.length * 37 + first * 7 + last) % known_keys.length;
  const known = known_keys[place];
  if (known !== undefined && isSame(known.found, found)) {
    return known;
  }
  const keys = newKeys(found);
  if (found.length <= 64 && found.every((key) => key.length <= known_key_characters)) {
    known_keys[place] = keys;
  }
  return keys;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) {
      return false;
    }
  }
  return true;
}

function newKeys(found: readonly string[]): Keys {
  if (found.includes("__proto__")) {
    throw new CanonicalError("key", "the key __proto__ is refused");
  }
  const sorted = found.toSorted(byCodePoint);
  return { found, sorted, quoted: sorted.map((key, i) => `${i === 0 ? "" : ","}${quote(key)}:`) };
}

// Printable ASCII without the two characters that need an escape.
const plain = /^[ !#-[\]-~]*$/;
const special = /["\\]|[^ -~]/g;
const short: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function quote(text: string): string {
  if (plain.test(text)) {
    return `"${text}"`;
  }
  if (!text.isWellFormed()) {
    throw new CanonicalError("string", "a lone surrogate is not text");
  }
  return `"${text.replace(special, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Order of code points. UTF-16 order differs from it only where a surrogate pair meets a character
 * from U+E000 up, so surrogates are lifted above those before comparing.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      return lift(x) - lift(y);
    }
  }
  return a.length - b.length;
}

function lift(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
