/**
 * One value of a path, a query or a body: text or JSON in, the value of a scalar, an enum or a
 * well-known type out. One spelling a value, never a wrap, never a rounding.
 */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { printUsd } from "../core/money.js";
import { expected_usd, expectedWord, isKeptWord, unsupported } from "../services/expected.js";
import { parseDecimal, parseMoney, toWhole } from "./decimal.js";
import { type Json, JsonNumber } from "./json.js";
import { enumNumber } from "./shape.js";
import { parseDuration, parseTimestamp } from "./time.js";

/** What a field, an item or a map value holds; one of the three is set. */
export type LeafType = Pick<DescField, "scalar" | "enum" | "message">;

/** A value in the form that ReflectMessage takes. */
export type LeafValue = string | number | bigint | boolean | Uint8Array | ReflectMessage;

/** Why a value does not fit, in words for its sender; the value itself is never repeated. */
export class Misfit {
  readonly issue: string;
  /** Whether a whole number of the type was expected: its field may take fewer. */
  readonly is_range: boolean;

  constructor(issue: string, is_range = false) {
    this.issue = issue;
    this.is_range = is_range;
  }
}

/** The whole numbers of a type, both ends included. */
interface Range {
  readonly min: bigint;
  readonly max: bigint;
  /** Whether the value is a bigint in messages. */
  readonly wide: boolean;
}

const int32: Range = { min: -(2n ** 31n), max: 2n ** 31n - 1n, wide: false };
const uint32: Range = { min: 0n, max: 2n ** 32n - 1n, wide: false };
const int64: Range = { min: -(2n ** 63n), max: 2n ** 63n - 1n, wide: true };
const uint64: Range = { min: 0n, max: 2n ** 64n - 1n, wide: true };
const widest_digits = 20;

const float_max = 2 ** 128 - 2 ** 104;
const whole_text = /^-?(?:0|[1-9][0-9]*)$/;
const base64_text = /^([A-Za-z0-9+/_-]*)(={0,2})$/;
const mask_path = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Reads a value of a path or a query. */
export function readTextLeaf(type: LeafType, text: string): LeafValue | Misfit {
  if (type.enum !== undefined) {
    return readEnumText(type.enum, text);
  }
  return type.message === undefined
    ? readScalarText(type.scalar ?? ScalarType.STRING, text)
    : readMessageLeaf(type.message, text, readTextLeaf);
}

/** Money in USD, of a body: text or a number, into the text that messages carry. */
export function readMoney(json: Json): string | Misfit {
  const micros = parseMoney(json);
  return micros === null
    ? new Misfit(`${expected_usd}, or as a number of 15 digits at most`)
    : printUsd(micros);
}

/** Reads a value of a body. */
export function readJsonLeaf(type: LeafType, json: Json): LeafValue | Misfit {
  if (type.enum !== undefined) {
    return readEnumJson(type.enum, json);
  }
  if (type.message === undefined) {
    return readScalarJson(type.scalar ?? ScalarType.STRING, json);
  }
  return readMessageLeaf(type.message, json, readJsonLeaf);
}

function readMessageLeaf<Source extends Json>(
  message: DescMessage,
  source: Source,
  readLeaf: (type: LeafType, source: Source) => LeafValue | Misfit,
): ReflectMessage | Misfit {
  const target = reflect(message, undefined, false);
  switch (message.typeName) {
    case "google.protobuf.Timestamp": {
      const time = typeof source === "string" ? parseTimestamp(source) : null;
      return time === null
        ? new Misfit("expected a time like 2026-11-22T20:17:00Z")
        : setSeconds(target, time.seconds, time.nanos);
    }
    case "google.protobuf.Duration": {
      const time = typeof source === "string" ? parseDuration(source) : null;
      return time === null
        ? new Misfit("expected seconds like 3.5s")
        : setSeconds(target, time.seconds, time.nanos);
    }
    case "google.protobuf.FieldMask":
      return typeof source === "string" ? readFieldMask(target, source) : maskMisfit();
    default: {
      // A wrapper: its one field's value stands for it.
      const [field] = message.fields;
      if (field === undefined) {
        throw new Error(`${message.typeName} is not a leaf`);
      }
      const value = readLeaf(field, source);
      if (!(value instanceof Misfit)) {
        target.set(field, value);
      }
      return value instanceof Misfit ? value : target;
    }
  }
}

function setSeconds(target: ReflectMessage, seconds: bigint, nanos: number): ReflectMessage {
  for (const field of target.fields) {
    target.set(field, field.name === "seconds" ? seconds : nanos);
  }
  return target;
}

function readFieldMask(target: ReflectMessage, text: string): ReflectMessage | Misfit {
  const paths = text === "" ? [] : text.split(",");
  if (!paths.every((path) => mask_path.test(path))) {
    return maskMisfit();
  }
  for (const field of target.fields) {
    if (field.fieldKind === "list") {
      for (const path of paths) {
        target.get(field).add(path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
      }
    }
  }
  return target;
}

function maskMisfit(): Misfit {
  return new Misfit("expected field names with commas between them");
}

function readEnumText(type: DescEnum, text: string): number | Misfit {
  const number = whole_text.test(text) ? readWhole(text, int32) : enumNumber(type, text);
  return typeof number === "number" && type.value[number] !== undefined ? number : enumMisfit(type, text);
}

function readEnumJson(type: DescEnum, json: Json): number | Misfit {
  if (typeof json === "string") {
    return readEnumText(type, json);
  }
  const number = json instanceof JsonNumber ? readWhole(json, int32) : null;
  return typeof number === "number" && type.value[number] !== undefined ? number : enumMisfit(type, "");
}

function enumMisfit(type: DescEnum, word: string): Misfit {
  return new Misfit(isKeptWord(type, word) ? unsupported : expectedWord(type));
}

function readScalarText(scalar: ScalarType, text: string): LeafValue | Misfit {
  const range = rangeOf(scalar);
  if (range !== undefined) {
    return readWhole(text, range);
  }
  switch (scalar) {
    case ScalarType.BOOL:
      return text === "true" || text === "false" ? text === "true" : new Misfit("expected true or false");
    case ScalarType.BYTES:
      return readBytes(text);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return readFloat(text, scalar);
    default:
      // A lone surrogate can come from JSON only, and no message can carry it.
      return text.isWellFormed() ? text : new Misfit("expected text without lone surrogates");
  }
}

function readScalarJson(scalar: ScalarType, json: Json): LeafValue | Misfit {
  const range = rangeOf(scalar);
  if (range !== undefined) {
    return typeof json === "string" || json instanceof JsonNumber
      ? readWhole(json, range)
      : rangeMisfit(range);
  }
  switch (scalar) {
    case ScalarType.BOOL:
      return typeof json === "boolean" ? json : new Misfit("expected true or false");
    case ScalarType.BYTES:
      return typeof json === "string" ? readBytes(json) : new Misfit("expected base64 text");
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return typeof json === "string" || json instanceof JsonNumber
        ? readFloat(typeof json === "string" ? json : json.token, scalar)
        : new Misfit("expected a number");
    default:
      return typeof json === "string" ? readScalarText(scalar, json) : new Misfit("expected a string");
  }
}

function rangeOf(scalar: ScalarType): Range | undefined {
  switch (scalar) {
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return int32;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return uint32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return int64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return uint64;
    default:
      return undefined;
  }
}

/** Text is a plain decimal; a JSON number may have a fraction or an exponent if its value is whole. */
function readWhole(source: string | JsonNumber, range: Range): number | bigint | Misfit {
  const text = typeof source === "string" ? source : source.token;
  const decimal = typeof source === "string" && !whole_text.test(source) ? null : parseDecimal(text);
  const value = decimal === null ? null : toWhole(decimal, 0, widest_digits);
  if (value === null || value < range.min || value > range.max) {
    return rangeMisfit(range);
  }
  const safe = value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  if (typeof source !== "string" && !safe) {
    // Many programs round such a number before they send it, so that its digits can't be trusted.
    return new Misfit("a number beyond 2^53-1 must be sent as a string");
  }
  return range.wide ? value : Number(value);
}

function rangeMisfit(range: Range): Misfit {
  return new Misfit(`expected a whole number from ${range.min} to ${range.max}`, true);
}

function readFloat(text: string, scalar: ScalarType): number | Misfit {
  if (text === "NaN" || text === "Infinity" || text === "-Infinity") {
    return Number(text);
  }
  const value = parseDecimal(text) === null ? Number.NaN : Number(text);
  const fits = scalar === ScalarType.FLOAT ? Math.abs(value) <= float_max : Number.isFinite(value);
  return fits ? value : new Misfit("expected a number that the type can hold");
}

function readBytes(text: string): Uint8Array | Misfit {
  const parts = base64_text.exec(text);
  const digits = parts?.[1] ?? "";
  const padding = parts?.[2] ?? "";
  const whole = padding === "" ? digits.length % 4 !== 1 : (digits.length + padding.length) % 4 === 0;
  // A Buffer would be a slice of a pool, and unequal to the same bytes elsewhere.
  return parts !== null && whole
    ? new Uint8Array(Buffer.from(digits, "base64"))
    : new Misfit("expected base64 text");
}
