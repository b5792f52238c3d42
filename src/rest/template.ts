/**
 * Path templates of google.api.http, flattened for matching.
 *
 *     template = "/" segments [ verb ]
 *     segments = segment { "/" segment }
 *     segment  = "*" | "**" | literal | variable
 *     variable = "{" field-path [ "=" segments ] "}"     no variable inside, "**" only at the very end
 *     verb     = ":" literal { ":" literal }
 *     literal  = 1*( A-Z a-z 0-9 - . _ ~ ! $ & ' ( ) + , ; = @ | "%" HEX HEX )
 *
 * A literal never holds a colon: the first one outside braces, in the last segment, starts the verb.
 */

/** A part of the path that becomes a field of the request. */
export interface TemplateVariable {
  /** Field path in proto names, e.g. `nested.id`. */
  readonly path: string;
  /** The first segment it covers. */
  readonly from: number;
  /** The segment after its last; null when it runs to the end of the path. */
  readonly to: number | null;
  /** Whether it may cover several segments, in which case escaped slashes stay escaped. */
  readonly multi: boolean;
}

/** A parsed template. */
export interface Template {
  /** One entry a path segment: a literal as written, `*` or `**`. */
  readonly segments: readonly string[];
  /** Empty when there is none. */
  readonly verb: string;
  readonly variables: readonly TemplateVariable[];
}

/** What can be wrong with a template. */
export type TemplateFault =
  | "no_leading_slash"
  | "empty_segment"
  | "empty_verb"
  | "bad_character"
  | "bad_escape"
  | "unclosed_variable"
  | "bad_field_path"
  | "nested_variable"
  | "duplicate_variable"
  | "double_wildcard_not_last";

/** A template that is not one. `column` counts characters from 1. */
export class TemplateError extends Error {
  readonly fault: TemplateFault;
  readonly column: number;

  constructor(template: string, fault: TemplateFault, column: number) {
    super(`path template ${JSON.stringify(template)}: ${fault} at column ${column}`);
    this.name = "TemplateError";
    this.fault = fault;
    this.column = column;
  }
}

interface Cursor {
  readonly text: string;
  /** Index of the next character. */
  at: number;
  readonly segments: string[];
  readonly variables: TemplateVariable[];
  /** Index of a `**`, which nothing may follow; -1 before there is one. */
  double_wildcard_at: number;
  /** Index of the brace that opens the variable we are in; -1 outside. */
  brace_at: number;
}

const literal_character = /[A-Za-z0-9\-._~!$&'()+,;=@]/;
const escaped_byte = /%[0-9A-Fa-f]{2}/y;
const name_start = /[A-Za-z_]/;
const name_part = /[A-Za-z0-9_]/;

/**
 * Parses a template.
 *
 * @throws {TemplateError} at the first character that cannot continue a valid template
 */
export function parseTemplate(text: string): Template {
  const cursor: Cursor = {
    text,
    at: 0,
    segments: [],
    variables: [],
    double_wildcard_at: -1,
    brace_at: -1,
  };
  if (text[0] !== "/") {
    fail(cursor, "no_leading_slash");
  }
  cursor.at = 1;
  parseSegments(cursor);
  const verb = text[cursor.at] === ":" ? parseVerb(cursor) : "";
  if (cursor.at < text.length) {
    fail(cursor, "bad_character");
  }
  return { segments: cursor.segments, verb, variables: cursor.variables };
}

function parseSegments(cursor: Cursor): void {
  parseSegment(cursor);
  while (cursor.text[cursor.at] === "/") {
    if (cursor.double_wildcard_at >= 0) {
      fail(cursor, "double_wildcard_not_last", cursor.double_wildcard_at);
    }
    cursor.at += 1;
    parseSegment(cursor);
  }
}

function parseSegment(cursor: Cursor): void {
  const { text, at } = cursor;
  switch (text[at]) {
    case "*":
      parseWildcard(cursor);
      return;
    case "{":
      if (cursor.brace_at >= 0) {
        fail(cursor, "nested_variable");
      }
      parseVariable(cursor);
      return;
    case undefined:
    case "/":
    case ":":
      failInside(cursor, "empty_segment");
      return;
    case "}":
      fail(cursor, cursor.brace_at >= 0 ? "empty_segment" : "bad_character");
      return;
    default:
      cursor.segments.push(parseLiteral(cursor));
  }
}

function parseWildcard(cursor: Cursor): void {
  if (cursor.text[cursor.at + 1] === "*") {
    cursor.double_wildcard_at = cursor.at;
    cursor.segments.push("**");
    cursor.at += 2;
  } else {
    cursor.segments.push("*");
    cursor.at += 1;
  }
}

function parseVariable(cursor: Cursor): void {
  cursor.brace_at = cursor.at;
  cursor.at += 1;
  const path = parseFieldPath(cursor);
  const from = cursor.segments.length;
  if (cursor.text[cursor.at] === "=") {
    cursor.at += 1;
    parseSegments(cursor);
  } else {
    cursor.segments.push("*");
  }
  if (cursor.text[cursor.at] !== "}") {
    failInside(cursor, "bad_character");
  }
  cursor.at += 1;
  cursor.brace_at = -1;
  const open_ended = cursor.double_wildcard_at >= 0;
  const to = cursor.segments.length;
  cursor.variables.push({
    path,
    from,
    to: open_ended ? null : to,
    multi: open_ended || to - from > 1,
  });
}

function parseFieldPath(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  do {
    if (cursor.at > start) {
      cursor.at += 1;
    }
    if (!name_start.test(text[cursor.at] ?? "")) {
      failInside(cursor, "bad_field_path");
    }
    while (name_part.test(text[cursor.at] ?? "")) {
      cursor.at += 1;
    }
  } while (text[cursor.at] === ".");
  if (text[cursor.at] !== "=" && text[cursor.at] !== "}") {
    failInside(cursor, "bad_field_path");
  }
  const path = text.slice(start, cursor.at);
  if (cursor.variables.some((other) => other.path === path)) {
    fail(cursor, "duplicate_variable", start);
  }
  return path;
}

function parseVerb(cursor: Cursor): string {
  const start = cursor.at + 1;
  while (cursor.text[cursor.at] === ":") {
    cursor.at += 1;
    const next = cursor.text[cursor.at];
    if (next === undefined || next === ":" || next === "/") {
      fail(cursor, "empty_verb");
    }
    parseLiteral(cursor);
  }
  return cursor.text.slice(start, cursor.at);
}

function parseLiteral(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  for (;;) {
    const next = text[cursor.at] ?? "";
    if (next === "%") {
      escaped_byte.lastIndex = cursor.at;
      if (!escaped_byte.test(text)) {
        fail(cursor, "bad_escape");
      }
      cursor.at += 3;
    } else if (literal_character.test(next)) {
      cursor.at += 1;
    } else {
      break;
    }
  }
  if (cursor.at === start) {
    fail(cursor, "bad_character");
  }
  return text.slice(start, cursor.at);
}

/** Inside a variable, a text that ends too early lacks the closing brace whatever else it lacks. */
function failInside(cursor: Cursor, fault: TemplateFault): never {
  if (cursor.brace_at >= 0 && cursor.at >= cursor.text.length) {
    fail(cursor, "unclosed_variable", cursor.brace_at);
  }
  fail(cursor, fault);
}

function fail(cursor: Cursor, fault: TemplateFault, at = cursor.at): never {
  throw new TemplateError(cursor.text, fault, at + 1);
}
