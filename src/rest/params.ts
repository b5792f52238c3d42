/**
 * Path, query and body of a request into one message (test/vectors/rest/params.json has every
 * rule). The path goes before the body; the query holds what neither of the two does.
 */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type FieldIssue, KillcordError } from "../services/errors.js";
import { type NameRule, readObject, readValue } from "./body.js";
import { type BodyFaults, faultIn, invalidValues, unknownParameters } from "./issues.js";
import { type Json, parseJsonBody } from "./json.js";
import { Misfit, readTextLeaf } from "./leaf.js";
import { issueOf } from "./misfit.js";
import { type Assignment, parseQuery, readQuery } from "./query.js";
import type { Binding } from "./rule.js";

/** What a request brings. */
export interface RequestParts {
  /** The decoded variables of the path, in the order of the template's. */
  readonly values: readonly string[];
  /** Path and query as sent. */
  readonly target: string;
  readonly body: Uint8Array;
}

/**
 * Reads a request. The checks come in this order, and the first that fails answers with every fault
 * of its kind: query syntax, JSON, path values, query keys, query values, body fields, body values.
 *
 * @throws {KillcordError} invalid_query, invalid_json, unexpected_body, unknown_parameter,
 *   unknown_field, invalid_argument
 */
export function readRequest(
  binding: Binding,
  input: DescMessage,
  parts: RequestParts,
  rule: NameRule,
): Message {
  const pairs = parseQuery(parts.target);
  const json = parseBody(binding, parts.body);
  const path_values = readPath(binding, parts.values);

  const query = { unknown: [] as string[], invalid: [] as FieldIssue[] };
  const query_values = readQuery(pairs, input, binding, rule, query);
  if (query.unknown.length > 0) {
    throw unknownParameters(query.unknown);
  }
  if (query.invalid.length > 0) {
    throw invalidValues(query.invalid);
  }

  const target = reflect(input, undefined, false);
  readBody(binding, json, target, rule);
  for (const { fields, value } of [...query_values, ...path_values]) {
    setAt(target, fields, value);
  }
  return target.message;
}

function parseBody(binding: Binding, body: Uint8Array): Json | undefined {
  if (binding.body !== "none") {
    const json = parseJsonBody(body);
    if (binding.body === "all" && json !== undefined && !(json instanceof Map)) {
      throw new KillcordError("invalid_json", "the body is not a JSON object");
    }
    return json;
  }
  if (!isEmpty(body)) {
    throw new KillcordError("unexpected_body", "this route takes no body");
  }
  return undefined;
}

/** Whether a body says nothing: white space or `{}`, as some clients always send it. */
function isEmpty(body: Uint8Array): boolean {
  // No pattern with two runs of white space: a megabyte of blanks would make it quadratic.
  const text = Buffer.from(body).toString("latin1").trim();
  return text === "" || (text.startsWith("{") && text.endsWith("}") && text.slice(1, -1).trim() === "");
}

function readPath(binding: Binding, values: readonly string[]): Assignment[] {
  const assignments: Assignment[] = [];
  const invalid: FieldIssue[] = [];
  binding.variables.forEach((fields, i) => {
    const field = fields.at(-1);
    if (field === undefined) {
      return;
    }
    const value = readTextLeaf(field, values[i] ?? "");
    if (value instanceof Misfit) {
      invalid.push(issueOf(field, fields.map((one) => one.name).join("."), value));
    } else {
      assignments.push({ fields, value });
    }
  });
  if (invalid.length > 0) {
    throw invalidValues(invalid);
  }
  return assignments;
}

function readBody(binding: Binding, json: Json | undefined, target: ReflectMessage, rule: NameRule): void {
  const { body } = binding;
  if (json === undefined || body === "none") {
    return;
  }
  const faults: BodyFaults = { unknown: [], invalid: [] };
  if (body !== "all") {
    readValue(json, target, body, body.name, rule, faults);
  } else if (json instanceof Map) {
    readObject(json, target, "", rule, faults);
  }
  const fault = faultIn(faults);
  if (fault !== null) {
    throw fault;
  }
}

function setAt(root: ReflectMessage, fields: readonly DescField[], value: Assignment["value"]): void {
  let target = root;
  for (const [i, field] of fields.entries()) {
    if (i < fields.length - 1) {
      target = childOf(target, field);
    } else if (field.fieldKind === "list") {
      target.get(field).add(value);
    } else {
      target.set(field, value);
    }
  }
}

function childOf(target: ReflectMessage, field: DescField): ReflectMessage {
  if (field.fieldKind !== "message") {
    throw new Error(`${field.name} is not a message`);
  }
  if (target.isSet(field)) {
    return target.get(field);
  }
  const child = reflect(field.message, undefined, false);
  target.set(field, child);
  return child;
}
