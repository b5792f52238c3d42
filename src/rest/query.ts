/** The query of a request into fields of its message. */
import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import type { FieldIssue } from "../services/errors.js";
import { KillcordError } from "../services/errors.js";
import type { NameRule } from "./body.js";
import { type LeafValue, Misfit, readTextLeaf } from "./leaf.js";
import { issueOf } from "./misfit.js";
import { decodePercent } from "./percent.js";
import type { Binding } from "./rule.js";
import { fieldNamed, messageKind } from "./shape.js";

/** One pair of the query, decoded. */
export interface QueryPair {
  readonly key: string;
  readonly value: string;
}

/** A value for a field, with the fields that lead to it. */
export interface Assignment {
  readonly fields: readonly DescField[];
  readonly value: LeafValue;
}

/** What a query key stands for. */
type Resolved =
  | { readonly kind: "unknown" }
  | { readonly kind: "invalid"; readonly at: string; readonly issue: string }
  | { readonly kind: "field"; readonly at: string; readonly fields: readonly DescField[]; alias: boolean };

type ResolvedField = Extract<Resolved, { kind: "field" }>;

interface Parameter {
  readonly target: ResolvedField;
  readonly text: string;
}

/** What was found wrong: unknown keys as sent, and values that do not fit. */
export interface QueryFaults {
  readonly unknown: string[];
  readonly invalid: FieldIssue[];
}

/**
 * Splits and decodes a query; `+` is a space, `;` separates nothing, empty pairs are skipped.
 *
 * @throws {KillcordError} invalid_query
 */
export function parseQuery(target: string): QueryPair[] {
  const mark = target.indexOf("?");
  const pairs = mark < 0 ? [] : target.slice(mark + 1).split("&");
  return pairs
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      return {
        key: decode(equals < 0 ? pair : pair.slice(0, equals)),
        value: equals < 0 ? "" : decode(pair.slice(equals + 1)),
      };
    });
}

function decode(text: string): string {
  const decoded = decodePercent(text, { plus_is_space: true, keep_slashes: false });
  if (decoded === null) {
    throw new KillcordError("invalid_query", "the query holds a malformed percent escape or is not UTF-8");
  }
  return decoded;
}

/** Reads a query against a binding. Each fault is listed once, in the order of first appearance. */
export function readQuery(
  pairs: readonly QueryPair[],
  input: DescMessage,
  binding: Binding,
  rule: NameRule,
  faults: QueryFaults,
): Assignment[] {
  const parameters: Parameter[] = [];
  const unknown = new Set<string>();
  const invalid = new Map<string, string>();
  for (const { key, value } of pairs) {
    const target = binding.body === "all" ? ({ kind: "unknown" } as const) : resolve(input, key, rule);
    if (target.kind === "unknown") {
      unknown.add(key);
    } else if (target.kind === "invalid") {
      note(invalid, target.at, target.issue);
    } else {
      parameters.push({ target, text: value });
    }
  }
  const assignments = assign(parameters, binding, invalid);
  faults.unknown.push(...unknown);
  for (const [field, issue] of invalid) {
    faults.invalid.push({ field, issue });
  }
  return assignments;
}

function note(invalid: Map<string, string>, at: string, issue: string): void {
  if (!invalid.has(at)) {
    invalid.set(at, issue);
  }
}

function resolve(input: DescMessage, key: string, rule: NameRule): Resolved {
  const fields: DescField[] = [];
  const names: string[] = [];
  const parts = key.split(".");
  let message = input;
  for (const [i, part] of parts.entries()) {
    const found = findField(message, part, rule);
    if (found === undefined) {
      return { kind: "unknown" };
    }
    const { field } = found;
    fields.push(field);
    names.push(found.alias ? part : field.name);
    const at = names.join(".");
    if (i === parts.length - 1) {
      const issue = valueIssue(field);
      return issue === null
        ? { kind: "field", at, fields, alias: found.alias }
        : { kind: "invalid", at, issue };
    }
    if (field.message === undefined || field.fieldKind === "map" || messageKind(field.message) !== "object") {
      return { kind: "unknown" };
    }
    if (field.fieldKind === "list") {
      return { kind: "invalid", at, issue: "a list of messages does not fit into a query" };
    }
    message = field.message;
  }
  return { kind: "unknown" };
}

function findField(
  message: DescMessage,
  name: string,
  rule: NameRule,
): { field: DescField; alias: boolean } | undefined {
  const field = fieldNamed(message, name);
  if (field !== undefined) {
    return { field, alias: false };
  }
  const found = rule(message, name, false);
  return found.kind === "alias" ? { field: found.field, alias: true } : undefined;
}

/** Only single values and lists of plain ones can be written into a query. */
function valueIssue(field: DescField): string | null {
  if (field.fieldKind === "map" || (field.fieldKind === "list" && field.message !== undefined)) {
    return "this field does not fit into a query";
  }
  return field.message === undefined || messageKind(field.message) === "leaf"
    ? null
    : "a message does not fit into a query; name one of its fields";
}

function assign(
  parameters: readonly Parameter[],
  binding: Binding,
  invalid: Map<string, string>,
): Assignment[] {
  const assignments: Assignment[] = [];
  const given = new Set<string>();
  const members = claimedMembers(binding);
  const bound = new Set(binding.template.variables.map((variable) => variable.path));
  for (const { target, text } of parameters) {
    const { at, fields } = target;
    const field = fields.at(-1);
    if (field === undefined) {
      continue;
    }
    const value = readTextLeaf(field, text);
    if (bound.has(at)) {
      note(invalid, at, "the path gives this field");
    } else if (fields[0] === binding.body) {
      note(invalid, at, "the body gives this field");
    } else if (field.fieldKind !== "list" && given.has(at)) {
      note(invalid, at, "given twice");
    } else if (!claimMembers(members, fields)) {
      note(invalid, at, "only one of its group may be set");
    } else if (value instanceof Misfit) {
      note(invalid, at, issueOf(field, at, value).issue);
    } else if (target.alias && contradicts(parameters, field, value)) {
      note(invalid, at, `differs from ${field.name}, which means the same`);
    } else {
      assignments.push({ fields, value });
    }
    given.add(at);
  }
  return assignments;
}

/** Whether the field was also given under its own name, with another value. */
function contradicts(parameters: readonly Parameter[], field: DescField, value: LeafValue): boolean {
  return parameters.some(
    (other) =>
      !other.target.alias &&
      other.target.fields.at(-1) === field &&
      readTextLeaf(field, other.text) !== value,
  );
}

/** Which member of each oneof is taken, by the path of its message; the path and the body come first. */
type Members = Map<string, DescField>;

function claimedMembers(binding: Binding): Members {
  const members: Members = new Map();
  for (const fields of binding.variables) {
    claimMembers(members, fields);
  }
  if (typeof binding.body !== "string") {
    claimMembers(members, [binding.body]);
  }
  return members;
}

function claimMembers(members: Members, fields: readonly DescField[]): boolean {
  let at = "";
  for (const field of fields) {
    const oneof: DescOneof | undefined = field.oneof;
    if (oneof !== undefined) {
      const group = `${at}:${oneof.name}`;
      const member = members.get(group) ?? field;
      if (member !== field) {
        return false;
      }
      members.set(group, field);
    }
    at = `${at}.${field.name}`;
  }
  return true;
}
