/**
 * How descriptors look from JSON, paths and queries: the names of fields and enum values, and which
 * messages are one value there.
 */
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** A message that is read and written as one JSON string, number or bool. */
const leaf_types: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
]);

/** A message that holds any JSON. */
const free_types: ReadonlySet<string> = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
]);

/** What a message is on this surface. */
export type MessageKind = "leaf" | "free" | "object";

/** Tells leaf messages and free-form data from messages with fields of their own. */
export function messageKind(message: DescMessage): MessageKind {
  if (leaf_types.has(message.typeName) || isWrapperDesc(message)) {
    return "leaf";
  }
  return free_types.has(message.typeName) ? "free" : "object";
}

/** Whether the items of a list are taken or refused one by one (rest-api.md, 4: batch). */
export function failsAlone(field: DescField): boolean {
  return field.parent.typeName === "killcord.v1.InterceptBatchRequest" && field.name === "actions";
}

/** Whether a field is an amount of USD: text in messages, which a body may give as a number, too. */
export function isMoney({ name }: DescField): boolean {
  return name === "cost_usd" || name === "max_cost_usd";
}

const fields_by_name = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The field that a caller means: by its proto name or its JSON name. */
export function fieldNamed(message: DescMessage, name: string): DescField | undefined {
  let fields = fields_by_name.get(message);
  if (fields === undefined) {
    fields = new Map([
      ...message.fields.map((field) => [field.jsonName, field] as const),
      ...message.fields.map((field) => [field.name, field] as const),
    ]);
    fields_by_name.set(message, fields);
  }
  return fields.get(name);
}

interface EnumNames {
  readonly numbers: ReadonlyMap<string, number>;
  readonly short: ReadonlyMap<number, string>;
}

const enum_names = new WeakMap<DescEnum, EnumNames>();

/** Two values of an enum would be written alike. */
export class ShortNameError extends Error {
  constructor(type: string, name: string) {
    super(`enum ${type}: two values are both called ${name}`);
    this.name = "ShortNameError";
  }
}

/**
 * Full names and short ones: the full name without the type's prefix, in lower case.
 *
 * @throws {ShortNameError}
 */
function namesOf(type: DescEnum): EnumNames {
  const known = enum_names.get(type);
  if (known !== undefined) {
    return known;
  }
  const prefix = type.sharedPrefix ?? "";
  const numbers = new Map<string, number>();
  const short = new Map<number, string>();
  for (const { name, number } of type.values) {
    const brief = name.slice(prefix.length).toLowerCase();
    if ((numbers.get(brief) ?? number) !== number) {
      throw new ShortNameError(type.typeName, brief);
    }
    numbers.set(brief, number);
    if (!short.has(number)) {
      short.set(number, brief);
    }
  }
  for (const { name, number } of type.values) {
    numbers.set(name, number);
  }
  const names = { numbers, short };
  enum_names.set(type, names);
  return names;
}

/** The number of an enum value by its full or short name, or undefined. */
export function enumNumber(type: DescEnum, name: string): number | undefined {
  return namesOf(type).numbers.get(name);
}

/** The short name of an enum value, or undefined for a number without one. */
export function enumShortName(type: DescEnum, number: number): string | undefined {
  return namesOf(type).short.get(number);
}

/**
 * Looks at every enum that a message can reach.
 *
 * @throws {ShortNameError}
 */
export function checkShortNames(message: DescMessage, seen: Set<DescMessage> = new Set()): void {
  if (seen.has(message)) {
    return;
  }
  seen.add(message);
  for (const field of message.fields) {
    if (field.enum !== undefined) {
      namesOf(field.enum);
    }
    if (field.message !== undefined) {
      checkShortNames(field.message, seen);
    }
  }
}
