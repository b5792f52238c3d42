/**
 * What commands print: for people text on stdout, for programs one JSON document (of a stream, one
 * JSON line a message). Notes and errors go to stderr, so that stdout can be piped on.
 */
import { styleText } from "node:util";
import type { CommandFailure } from "./failure.js";

/** Characters that move a terminal's cursor, hide text or turn its order, as agents might name things. */
const hostile = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text from a server, shown on one line with no power over the terminal. */
export function plain(text: string): string {
  return text.replace(hostile, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Writes a line of text for people. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes one JSON document on one line. */
export function printJson(document: object): void {
  process.stdout.write(`${jsonLine(document)}\n`);
}

/** Writes a remark that is not the answer. */
export function note(line: string): void {
  process.stderr.write(`killcord: ${line}\n`);
}

/** Tells a failure on stderr, as a sentence or as the error document of rest-api.md, 1. */
export function printFailure(failure: CommandFailure, json: boolean): void {
  if (json) {
    const error = {
      code: failure.code,
      message: failure.message,
      ...(failure.request_id === null ? {} : { request_id: failure.request_id }),
      ...(failure.details.length === 0 ? {} : { details: failure.details }),
    };
    process.stderr.write(`${jsonLine({ ok: false, error })}\n`);
    return;
  }
  // Whoever looks up why a start was refused looks for the code.
  const code = failure.code.startsWith("start.") ? `${failure.code}: ` : "";
  process.stderr.write(`killcord: ${code}${plain(failure.message)}\n`);
  for (const { field, issue } of failure.details) {
    process.stderr.write(`  ${plain(field)}: ${plain(issue)}\n`);
  }
  if (failure.request_id !== null) process.stderr.write(`  request ${plain(failure.request_id)}\n`);
}

/** JSON.stringify leaves DEL and the C1 controls as they are, and terminals act on those. */
function jsonLine(document: object): string {
  return JSON.stringify(document).replace(hostile, plain);
}

/** Colours that mean something. Each is seen only on a terminal, and not with NO_COLOR. */
export type Colour = "red" | "green" | "yellow" | "dim" | "bold";

/** Colours a text for stdout. */
export function colour(name: Colour, text: string): string {
  return styleText(name, text, { stream: process.stdout });
}
