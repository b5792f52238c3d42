/**
 * Decimal numbers as text, kept exactly: a double would round what a caller wrote. Money is one: a
 * decimal string or a number in USD, kept in whole micro-USD.
 */
import { type Json, JsonNumber } from "./json.js";

/** The value is `digits` × 10^`exponent`, with the sign of `negative`. */
export interface Decimal {
  readonly negative: boolean;
  /** Without zeros at either end; empty for zero. */
  readonly digits: string;
  readonly exponent: number;
}

const number_grammar = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/** Reads a number in the grammar of JSON; null when the text is none. */
export function parseDecimal(text: string): Decimal | null {
  const parts = number_grammar.exec(text);
  if (parts === null) {
    return null;
  }
  const [, sign, whole = "", fraction = "", power = "0"] = parts;
  const all = `${whole}${fraction}`;
  const significant = trimZeros(all);
  return {
    negative: sign === "-",
    digits: significant.text,
    exponent: significant.text === "" ? 0 : Number(power) - fraction.length + significant.zeros_after,
  };
}

/**
 * The value × 10^`shift` if that is whole and has at most `digits_max` digits, else null. The bound
 * comes first: a short text can stand for a number with a billion digits.
 */
export function toWhole(decimal: Decimal, shift: number, digits_max: number): bigint | null {
  const zeros = decimal.exponent + shift;
  if (decimal.digits === "") {
    return 0n;
  }
  if (zeros < 0 || decimal.digits.length + zeros > digits_max) {
    return null;
  }
  const size = BigInt(decimal.digits) * 10n ** BigInt(zeros);
  return decimal.negative ? -size : size;
}

const plain_decimal = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** A double holds this many decimal digits whatever they are; a longer number may have been rounded. */
const trusted_digits = 15;
const micro_digits = 6;
const micros_max = BigInt(Number.MAX_SAFE_INTEGER);
const micros_max_digits = String(micros_max).length;

/** Reads an amount of USD, 0 to 9007199254.740991; null when it is none. The result is micro-USD. */
export function parseMoney(json: Json): bigint | null {
  const text = json instanceof JsonNumber ? json.token : json;
  if (typeof text !== "string" || (text === json && !plain_decimal.test(text))) {
    return null;
  }
  const decimal = parseDecimal(text);
  if (decimal === null || (json instanceof JsonNumber && decimal.digits.length > trusted_digits)) {
    return null;
  }
  const micros = toWhole(decimal, micro_digits, micros_max_digits);
  return micros !== null && micros >= 0n && micros <= micros_max ? micros : null;
}

/** Writes micro-USD as USD, without zeros at the end. */
export function printMoney(micros: bigint): string {
  const digits = micros.toString().padStart(micro_digits + 1, "0");
  const whole = digits.slice(0, -micro_digits);
  const fraction = digits.slice(-micro_digits).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function trimZeros(digits: string): { text: string; zeros_after: number } {
  let from = 0;
  while (digits[from] === "0") {
    from += 1;
  }
  let to = digits.length;
  while (to > from && digits[to - 1] === "0") {
    to -= 1;
  }
  return { text: digits.slice(from, to), zeros_after: digits.length - to };
}
