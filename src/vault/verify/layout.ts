/** Stage B, the bytes: one canonical text a line (vault-format.md, 8). */
import { limits } from "../../limits.js";
import { canonical } from "../canonical.js";
import { isPlainCanonical } from "./canonical-text.js";
import { type Failure, failure } from "./code.js";
import { isObject, type JsonObject } from "./shape.js";

/** A bundle whose bytes are as they should be. */
export interface Bundle {
  readonly header: JsonObject;
  readonly lines: EntryLines;
}

/** Entry lines, parsed when asked for: a log of many entries fits as bytes, not as objects. */
export interface EntryLines {
  readonly count: number;
  readonly at: (line: number) => unknown;
}

const header_end = ',"entries":[';
const end_line = "]}";
const newline = 0x0a;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The parts of a bundle that are no lines of their own, as findings. */
export const layout_failures = {
  lines: failure("bundle.layout", "the file does not end in a newline after at least two lines"),
  header: failure("bundle.layout", 'line 1 is not the canonical header that opens "entries"'),
  end: failure("bundle.layout", 'the last line is not "]}"'),
} as const;

/**
 * Whether the bytes are a JSON object that says of itself to be of another format. Bytes that are no
 * JSON say nothing: they are a broken bundle.
 */
export function isForeign(bytes: Uint8Array, format: string): boolean {
  const first = parse(firstLine(bytes));
  // A file laid out in another way: small ones are read whole to see what they say they are.
  const value = first ?? parse(lineText(bytes, 0, bytes.length));
  return isObject(value) && typeof value.format === "string" && value.format !== format;
}

function firstLine(bytes: Uint8Array): string {
  const end = bytes.indexOf(newline);
  const line = lineText(bytes, 0, end < 0 ? bytes.length : end);
  return line.endsWith(header_end) ? `${line.slice(0, -header_end.length)}}` : line;
}

/** The header that a first line opens, or undefined. */
export function headerIn(line: string): JsonObject | undefined {
  const header = line.endsWith(header_end)
    ? canonicalValue(`${line.slice(0, -header_end.length)}}`)
    : undefined;
  return isObject(header) ? header : undefined;
}

/** Reads a bundle by its bytes, or tells which line is not as it should be. */
export function readLayout(bytes: Uint8Array): Bundle | Failure {
  const starts = lineStarts(bytes);
  const last = starts.length - 2;
  if (last < 1) {
    return layout_failures.lines;
  }
  const line = (i: number) => lineText(bytes, starts[i] as number, (starts[i + 1] as number) - 1);
  const header = headerIn(line(0));
  if (header === undefined) {
    return layout_failures.header;
  }
  for (let i = 1; i < last; i++) {
    if (entryIn(line(i), i + 1 < last) === null) {
      return entryFailure(i + 1, line(i));
    }
  }
  if (!isEnd(line(last))) {
    return layout_failures.end;
  }
  const at = (i: number): unknown => JSON.parse(entryText(line(i + 1), i + 2 < last) as string);
  return { header, lines: { count: last - 1, at } };
}

/** A line too long for any bundle reads as an empty one, which has no place in a bundle either. */
export function lineText(bytes: Uint8Array, start: number, end: number): string {
  return end - start > limits.bundle_line_bytes ? "" : decoder.decode(bytes.subarray(start, end));
}

/** Where each line begins, and the end of the file behind them; empty when the last line is not ended. */
export function lineStarts(bytes: Uint8Array): number[] {
  const starts = [0];
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, end + 1)) {
    starts.push(end + 1);
  }
  return starts.at(-1) === bytes.length ? starts : [];
}

/** Whether a line is the one behind the entries. */
export function isEnd(line: string): boolean {
  return line === end_line;
}

/** The finding on an entry line, counted from 1 for the header. */
export function entryFailure(line: number, text: string): Failure {
  return failure("bundle.layout", `line ${line}${named(text)} is not the canonical text of an entry`);
}

/**
 * The value of an entry line and its text, or null when it is not as it should be.
 *
 * @param more whether another entry follows
 */
export function entryIn(
  line: string,
  more: boolean,
): { readonly value: unknown; readonly text: string } | null {
  const text = entryText(line, more);
  const value = text === null ? undefined : canonicalValue(text);
  return text === null || value === undefined ? null : { value, text };
}

function entryText(line: string, more: boolean): string | null {
  if (!more) {
    return line;
  }
  return line.endsWith(",") ? line.slice(0, -1) : null;
}

// The last one: the envelope's own member comes after everything in the content.
function named(line: string): string {
  const number = [...line.matchAll(/"sequence_number":([0-9]{1,15})(?=[,}])/g)].at(-1)?.[1];
  return number === undefined ? "" : ` (entry ${number})`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The value that a text spells canonically. To write it again and compare finds members that stand
 * twice, other spellings of numbers and texts, white space and bytes beyond ASCII, all at once.
 */
function canonicalValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (isPlainCanonical(text, limits.bundle_line_depth)) {
      return value;
    }
    return canonical(value, text.length, limits.bundle_line_depth) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
