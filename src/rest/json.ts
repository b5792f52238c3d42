/**
 * JSON text (RFC 8259) to a value that loses nothing: numbers keep their digits, a key that comes
 * twice in one object is found, and `__proto__` is a key like any other. JSON.parse does none of the
 * three, and the libraries looked at take equal duplicates or set the prototype.
 */
import { limits } from "../limits.js";
import { KillcordError } from "../services/errors.js";

/** A number as it was written, e.g. `1e2`. */
export class JsonNumber {
  readonly token: string;

  constructor(token: string) {
    this.token = token;
  }
}

/** An object, its keys in the order of the text. */
export type JsonMap = ReadonlyMap<string, Json>;

/** Any JSON value. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonMap;

interface Cursor {
  readonly text: string;
  /** Index of the next character. */
  at: number;
  /** Containers that are open. */
  depth: number;
}

// A byte order mark is kept, and so refused: it is not JSON.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const blank = /^[ \t\n\r]*$/;
const number_token = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** V8 copies slices below 13 characters and lets longer ones point into the text they are cut from. */
const copied_slice = 12;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Parses a request body.
 *
 * @returns undefined when it is empty or white space
 * @throws {KillcordError} invalid_json
 */
export function parseJsonBody(body: Uint8Array): Json | undefined {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw new KillcordError("invalid_json", "the body is not UTF-8");
  }
  return blank.test(text) ? undefined : parseJson(text);
}

/**
 * Parses one JSON value.
 *
 * @throws {KillcordError} invalid_json
 */
export function parseJson(text: string): Json {
  const cursor: Cursor = { text, at: 0, depth: 0 };
  const value = parseValue(cursor);
  if (peek(cursor) !== undefined) {
    fail(cursor, "expected nothing more");
  }
  return value;
}

function parseValue(cursor: Cursor): Json {
  switch (peek(cursor)) {
    case OPEN_BRACE:
      return parseObject(cursor);
    case OPEN_BRACKET:
      return parseList(cursor);
    case QUOTE:
      return parseString(cursor);
    default:
      return parseWord(cursor);
  }
}

function parseObject(cursor: Cursor): JsonMap {
  const object = new Map<string, Json>();
  enter(cursor);
  if (peek(cursor) !== CLOSE_BRACE) {
    do {
      if (peek(cursor) !== QUOTE) {
        fail(cursor, "expected a key in double quotes");
      }
      const start = cursor.at;
      const key = parseString(cursor);
      if (object.has(key)) {
        cursor.at = start;
        fail(cursor, "the same key twice in one object");
      }
      if (!take(cursor, COLON)) {
        fail(cursor, "expected a colon");
      }
      object.set(key, parseValue(cursor));
    } while (take(cursor, COMMA));
  }
  leave(cursor, CLOSE_BRACE, "expected a comma or }");
  return object;
}

function parseList(cursor: Cursor): Json[] {
  const list: Json[] = [];
  enter(cursor);
  if (peek(cursor) !== CLOSE_BRACKET) {
    do {
      list.push(parseValue(cursor));
    } while (take(cursor, COMMA));
  }
  leave(cursor, CLOSE_BRACKET, "expected a comma or ]");
  return list;
}

function enter(cursor: Cursor): void {
  cursor.depth += 1;
  if (cursor.depth > limits.json_depth) {
    fail(cursor, `nested deeper than ${limits.json_depth} levels`);
  }
  cursor.at += 1;
}

function leave(cursor: Cursor, close: number, expected: string): void {
  if (!take(cursor, close)) {
    fail(cursor, expected);
  }
  cursor.depth -= 1;
}

function parseString(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  let escaped = false;
  let at = start + 1;
  for (; ; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      break;
    }
    if (unit === BACKSLASH) {
      escaped = true;
      at += 1;
    } else if (!(unit >= SPACE)) {
      // A control character, or NaN at the end of the text.
      cursor.at = Math.min(at, text.length);
      fail(cursor, at < text.length ? "a control character in a string" : "a string without an end");
    }
  }
  cursor.at = at + 1;
  if (!escaped && at - start <= copied_slice) {
    return text.slice(start + 1, at);
  }
  try {
    // Also without escapes: a long slice would keep the whole body alive for as long as the label
    // or the id that it holds.
    return JSON.parse(text.slice(start, at + 1)) as string;
  } catch {
    cursor.at = start;
    fail(cursor, "a string with an escape that JSON does not have");
  }
}

function parseWord(cursor: Cursor): Json {
  const { text, at } = cursor;
  number_token.lastIndex = at;
  const number = number_token.exec(text);
  if (number !== null) {
    cursor.at += number[0].length;
    return new JsonNumber(number[0]);
  }
  for (const [word, value] of words) {
    if (text.startsWith(word, at)) {
      cursor.at += word.length;
      return value;
    }
  }
  fail(cursor, "expected a value");
}

const words: readonly (readonly [string, Json])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];

/** Skips white space; undefined at the end of the text. */
function peek(cursor: Cursor): number | undefined {
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit === SPACE || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === TAB) {
      cursor.at += 1;
    } else {
      return Number.isNaN(unit) ? undefined : unit;
    }
  }
}

function take(cursor: Cursor, unit: number): boolean {
  if (peek(cursor) !== unit) {
    return false;
  }
  cursor.at += 1;
  return true;
}

/** Names the place and never shows the text: it may hold what nobody else should read. */
function fail(cursor: Cursor, problem: string): never {
  throw new KillcordError("invalid_json", `the body is not JSON: ${problem} at character ${cursor.at + 1}`);
}
