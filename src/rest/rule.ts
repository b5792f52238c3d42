/** What a google.api.http rule means for the messages of a method: compiled once, at start. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { HttpRule } from "../../gen/google/api/http_pb.js";
import { messageKind } from "./shape.js";
import { parseTemplate, type Template } from "./template.js";

/** Where the body goes: nowhere, into all fields that the path does not set, or into one field. */
export type BodyTarget = "none" | "all" | DescField;

/** One HTTP binding of a method. */
export interface Binding {
  /** An HTTP method, or `*` for all that nobody else has. */
  readonly method: string;
  /** The template as it is written. */
  readonly path: string;
  readonly template: Template;
  /** For each variable of the template the fields that lead to it, outermost first. */
  readonly variables: readonly (readonly DescField[])[];
  readonly body: BodyTarget;
  /** The field of the response that is the reply; null when the whole response is. */
  readonly response_body: DescField | null;
}

/** What can be wrong with a rule, beside its template. */
export type RuleFault =
  | "unknown_field"
  | "not_a_leaf"
  | "not_a_message"
  | "repeated_field"
  | "map_field"
  | "body_not_top_level"
  | "body_bound_by_path"
  | "body_not_allowed"
  | "no_pattern"
  | "empty_kind"
  | "nested_additional_bindings";

/** A rule that does not fit its messages. `at` is the field path or the HTTP method at fault, or "". */
export class RuleError extends Error {
  readonly fault: RuleFault;
  readonly at: string;

  constructor(fault: RuleFault, at: string) {
    super(at === "" ? fault : `${fault}: ${at}`);
    this.name = "RuleError";
    this.fault = fault;
    this.at = at;
  }
}

/**
 * Compiles a rule with its additional bindings.
 *
 * @throws {RuleError | TemplateError}
 */
export function compileRule(rule: HttpRule, input: DescMessage, output: DescMessage): Binding[] {
  const bindings = [compileBinding(rule, input, output)];
  for (const additional of rule.additionalBindings) {
    if (additional.additionalBindings.length > 0) {
      throw new RuleError("nested_additional_bindings", "");
    }
    bindings.push(compileBinding(additional, input, output));
  }
  return bindings;
}

function compileBinding(rule: HttpRule, input: DescMessage, output: DescMessage): Binding {
  const { method, path } = patternOf(rule);
  const template = parseTemplate(path);
  const variables = template.variables.map((variable) => leafAt(input, variable.path));
  const body = bodyOf(rule.body, method, input);
  if (typeof body !== "string" && template.variables.some((variable) => variable.path === body.name)) {
    throw new RuleError("body_bound_by_path", body.name);
  }
  const response_body = rule.responseBody === "" ? null : topLevelField(output, rule.responseBody);
  return { method, path, template, variables, body, response_body };
}

function patternOf({ pattern }: HttpRule): { method: string; path: string } {
  switch (pattern.case) {
    case "get":
    case "put":
    case "post":
    case "delete":
    case "patch":
      return { method: pattern.case.toUpperCase(), path: pattern.value };
    case "custom":
      if (pattern.value.kind === "") {
        throw new RuleError("empty_kind", "");
      }
      return { method: pattern.value.kind, path: pattern.value.path };
    case undefined:
      throw new RuleError("no_pattern", "");
  }
}

function bodyOf(body: string, method: string, input: DescMessage): BodyTarget {
  if (body === "") {
    return "none";
  }
  if (method === "GET" || method === "HEAD") {
    throw new RuleError("body_not_allowed", method);
  }
  return body === "*" ? "all" : topLevelField(input, body);
}

function topLevelField(message: DescMessage, name: string): DescField {
  if (name.includes(".")) {
    throw new RuleError("body_not_top_level", name);
  }
  const field = message.fields.find((one) => one.name === name);
  if (field === undefined) {
    throw new RuleError("unknown_field", name);
  }
  return field;
}

/** The fields of a path variable: through single messages to one value. */
function leafAt(input: DescMessage, path: string): DescField[] {
  const fields: DescField[] = [];
  let message: DescMessage | null = input;
  for (const name of path.split(".")) {
    if (message === null || messageKind(message) !== "object") {
      throw new RuleError("not_a_message", path);
    }
    // Proto names only: a template is written by us, not by a caller.
    const field: DescField | undefined = message.fields.find((one) => one.name === name);
    if (field === undefined) {
      throw new RuleError("unknown_field", path);
    }
    if (field.fieldKind === "list" || field.fieldKind === "map") {
      throw new RuleError(field.fieldKind === "list" ? "repeated_field" : "map_field", path);
    }
    fields.push(field);
    message = field.fieldKind === "message" ? field.message : null;
  }
  if (message !== null && messageKind(message) !== "leaf") {
    throw new RuleError("not_a_leaf", path);
  }
  return fields;
}
