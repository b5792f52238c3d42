/** Faults of one request, collected so that its sender learns all of one kind at once. */
import { limits } from "../limits.js";
import { type FieldIssue, KillcordError } from "../services/errors.js";

/** What was wrong with a body. */
export interface BodyFaults {
  readonly unknown: string[];
  readonly invalid: FieldIssue[];
}

/** The error that tells faults: names that are unknown before values that do not fit; null without any. */
export function faultIn({ unknown, invalid }: BodyFaults): KillcordError | null {
  if (unknown.length > 0) {
    return unknownFields(unknown.sort());
  }
  return invalid.length === 0
    ? null
    : invalidValues(invalid.sort((a, b) => Number(a.field > b.field) - Number(a.field < b.field)));
}

/** The path of a member of a message or a map. */
export function memberPath(parent: string, name: string): string {
  return parent === "" ? name : `${parent}.${name}`;
}

/** What one error says of unknown fields of a body. */
export function unknownFields(fields: readonly string[]): KillcordError {
  const details = list(fields.map((field) => ({ field, issue: "unknown field" })));
  return new KillcordError("unknown_field", `unknown field: ${names(fields)}`, { details });
}

/** What one error says of query keys that the route does not have. */
export function unknownParameters(keys: readonly string[]): KillcordError {
  const details = list(keys.map((field) => ({ field, issue: "unknown query parameter" })));
  return new KillcordError("unknown_parameter", `unknown query parameter: ${names(keys)}`, { details });
}

/** What one error says of values that do not fit. */
export function invalidValues(issues: readonly FieldIssue[]): KillcordError {
  const [first] = issues;
  const message =
    issues.length === 1 && first !== undefined
      ? `${shorten(first.field)}: ${first.issue}`
      : `${issues.length} fields are not valid`;
  return new KillcordError("invalid_argument", message, { details: list(issues) });
}

/** A megabyte of faults is not answered with many megabytes of details. */
function list(issues: readonly FieldIssue[]): FieldIssue[] {
  return issues.slice(0, limits.issues_listed).map(({ field, issue }) => ({ field: shorten(field), issue }));
}

function names(fields: readonly string[]): string {
  const [first = ""] = fields;
  return fields.length === 1 ? shorten(first) : `${shorten(first)} and ${fields.length - 1} more`;
}

function shorten(name: string): string {
  const { issue_name_characters } = limits;
  return name.length <= issue_name_characters ? name : `${name.slice(0, issue_name_characters)}…`;
}
