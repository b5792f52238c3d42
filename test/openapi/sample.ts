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
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
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

/** Values that a schema forbids, each for one keyword. */
export function forbiddenBy(schema: Schema, resolve: Resolve): readonly unknown[] {
  const { anyOf, enum: words, ...rest } = resolve(schema);
  const { minimum, maximum, minLength, maxLength, maxItems, items } = rest;
  const found: unknown[] = anyOf === undefined ? [] : [...forbiddenBy(anyOf[0] as Schema, resolve)];
  const add = (limit: unknown, value: () => unknown) => found.push(...(limit === undefined ? [] : [value()]));
  add(words, () => "no_such_word");
  add(minimum, () => (minimum as number) - 1);
  // Beyond 2^53-1 a number must be text.
  add(maximum, () => String(BigInt(maximum as number) + 1n));
  add(minLength, () => "x".repeat((minLength as number) - 1));
  add(maxLength, () => "x".repeat((maxLength as number) + 1));
  add(maxItems, () => Array((maxItems as number) + 1).fill(sampleOf(items ?? {}, resolve, {}, false)));
  return found;
}
