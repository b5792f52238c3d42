/** What a field takes, in words for whoever sent something else; and what no field takes any more or yet. */
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf";
import { field as field_rules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Said of what the API keeps a place for and this version cannot hold. */
export const unsupported = "is not supported by this version";

/** Said of text that is no amount of money. */
export const expected_usd = "expected USD from 0 to 9007199254.740991 as text, with 6 decimals at most";

/** The words of an enum, without that for "not given": `one of agent, operator`. */
export function expectedWord(type: DescEnum): string {
  const prefix = type.sharedPrefix ?? "";
  const words = type.values
    .filter(({ number }) => number !== 0)
    .map(({ name }) => name.slice(prefix.length).toLowerCase());
  return `expected one of ${words.join(", ")}`;
}

/** The whole numbers that a field takes, by its type and its constraints; null for any other field. */
export function expectedNumber(field: DescField): string | null {
  const scalar = field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined;
  const widest = scalar === undefined ? undefined : ranges.get(scalar);
  if (widest === undefined) {
    return null;
  }
  const { min, max } = { ...widest, ...constraintOf(field) };
  return `expected a whole number from ${min} to ${max}`;
}

type Range = { readonly min: bigint; readonly max: bigint };

const int32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const ranges: ReadonlyMap<ScalarType, Range> = new Map([
  [ScalarType.INT32, int32],
  [ScalarType.INT64, int64],
  [ScalarType.UINT32, { min: 0n, max: 2n ** 32n - 1n }],
  [ScalarType.UINT64, { min: 0n, max: 2n ** 64n - 1n }],
]);

/** The ends that the constraint of an int32 or int64 field names. */
function constraintOf(field: DescField): Partial<Range> {
  const rules = hasOption(field, field_rules) ? getOption(field, field_rules).type : undefined;
  if (rules?.case !== "int64" && rules?.case !== "int32") {
    return {};
  }
  const { lessThan, greaterThan } = rules.value;
  return {
    ...(greaterThan.case === "gte" ? { min: BigInt(greaterThan.value) } : {}),
    ...(lessThan.case === "lte" ? { max: BigInt(lessThan.value) } : {}),
  };
}

/** Whether a name, in either spelling, is one that a message keeps for a later version. */
export function isKeptName({ proto }: DescMessage, name: string): boolean {
  return proto.reservedName.includes(snakeCase(name));
}

/** Whether a word or full name of an enum is one that it keeps for a later version. */
export function isKeptWord(type: DescEnum, word: string): boolean {
  const { reservedName } = type.proto;
  return (
    reservedName.includes(word) || reservedName.includes(`${type.sharedPrefix ?? ""}${word}`.toUpperCase())
  );
}

/** Whether a number of a field is one that a message keeps for a later version. */
export function isKeptNumber({ proto }: DescMessage, number: number): boolean {
  // The end of a range is not part of it.
  return proto.reservedRange.some(({ start, end }) => number >= start && number < end);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The messages that a message can hold, itself first. */
export function messagesIn(
  message: DescMessage,
  found: Set<DescMessage> = new Set(),
): ReadonlySet<DescMessage> {
  if (!found.has(message)) {
    found.add(message);
    for (const field of message.fields) {
      if (field.message !== undefined) {
        messagesIn(field.message, found);
      }
    }
  }
  return found;
}
