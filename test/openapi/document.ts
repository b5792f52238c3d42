/** docs/openapi.json, and what its schemas say of answers. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormatsModule from "ajv-formats";
import type { Schema } from "./sample.js";

export interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Media {
  readonly schema: Schema;
  readonly "x-event-data"?: Schema;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly "application/json": Media } };
  readonly security?: readonly unknown[];
  readonly responses: Readonly<
    Record<string, { readonly $ref?: string; readonly content: Readonly<Record<string, Media>> }>
  >;
}

export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

export const text = readFileSync("docs/openapi.json", "utf8");
export const document = JSON.parse(text);

/** Every operation, in the order of the document. */
export const operations: readonly Asked[] = Object.entries<Record<string, Operation>>(document.paths).flatMap(
  ([path, item]) =>
    Object.entries(item)
      .filter(([method]) => ["get", "post", "put", "delete", "patch"].includes(method))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** What a reference in the document means. */
export function resolve<Value extends { readonly $ref?: string }>(value: Value): Value {
  if (value.$ref === undefined) {
    return value;
  }
  const { $ref, ...rest } = value;
  const target = $ref
    .slice("#/".length)
    .split("/")
    .reduce((at, name) => at[name], document);
  return { ...resolve(target), ...rest };
}

// The module's default is its function, which its types do not say under Node's resolution.
const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;
const ajv = new Ajv2020({
  allErrors: true,
  allowUnionTypes: true,
  strictTypes: false,
  validateSchema: false,
});
addFormats(ajv);
ajv.addSchema({ $defs: rebased(closed(document.components.schemas)) }, "document");

/**
 * What is wrong with a value, by a schema of the document; the empty string when nothing is. A
 * member that the document does not have is wrong, though other readers must let it pass.
 */
export function faultsOf(schema: Schema, value: unknown): string {
  const validate = ajv.compile(rebased(closed(schema)) as object);
  return validate(value) ? "" : ajv.errorsText(validate.errors);
}

/** A copy in which objects have no other members. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(closed);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const copy = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, closed(each)]));
  return "properties" in copy && copy.type === "object" ? { ...copy, additionalProperties: false } : copy;
}

/** A copy whose references lead into the document. */
function rebased(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(rebased);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === "$ref" ? String(each).replace("#/components/schemas/", "document#/$defs/") : rebased(each),
    ]),
  );
}
