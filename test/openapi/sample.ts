/** Requests made from schemas alone, so that a method that is new is asked without a line of its own. */

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly format?: string;
}

/** Finds what a reference means. */
export type Resolve = (schema: Schema) => Schema;

/**
 * A value that a schema takes.
 *
 * @param known values that stand for a member of that name
 * @param full whether members are filled that need not be
 */
export function sampleOf(
  schema: Schema,
  resolve: Resolve,
  known: Readonly<Record<string, string>>,
  full: boolean,
): unknown {
  const { const: only, enum: words, anyOf, type, items, minimum, format, ...rest } = resolve(schema);
  if (only !== undefined || words !== undefined) {
    return only ?? words?.[0];
  }
  if (anyOf !== undefined) {
    return sampleOf(anyOf[0] as Schema, resolve, known, full);
  }
  switch (typeof type === "string" ? type : type?.[0]) {
    case "object": {
      const names = full ? Object.keys(rest.properties ?? {}) : (rest.required ?? []);
      const members = names
        .filter((name) => name !== "idempotency_key")
        .map((name) => {
          const member = rest.properties?.[name] ?? {};
          const { type: taken = [], enum: of } = resolve(member);
          const is_text = of === undefined && [taken].flat().includes("string");
          return [name, (is_text ? known[name] : undefined) ?? sampleOf(member, resolve, known, full)];
        });
      return Object.fromEntries(members);
    }
    case "array":
      return [sampleOf(items ?? {}, resolve, known, full)];
    case "integer":
    case "number":
      return Math.max(minimum ?? 0, 1);
    case "boolean":
      return true;
    default:
      return format === "date-time" ? "2026-01-01T00:00:00Z" : "x";
  }
}
