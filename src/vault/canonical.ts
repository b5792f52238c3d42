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

function writeObject(value: object, levels: number): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanonicalError("type", "an instance of a class is not JSON");
  }
  const members = value as Record<string, unknown>;
  const keys = Object.keys(members).sort(byCodePoint);
  let text = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key === "__proto__") {
      throw new CanonicalError("key", "the key __proto__ is refused");
    }
    text += `${(i === 0 ? "" : ",") + quote(key)}:${write(members[key], levels)}`;
  }
  return `${text}}`;
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
