/**
 * Decimal numbers as text, kept exactly: a double would round what a caller wrote. Money is one: a
 * decimal string or a number in USD, kept in whole micro-USD.
 */
import { parseUsd } from "../core/money.js";
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

/** A double holds this many decimal digits whatever they are; a longer number may have been rounded. */
const trusted_digits = 15;
const micro_digits = 6;

/** Reads an amount of USD, 0 to 9007199254.740991; null when it is none. The result is micro-USD. */
export function parseMoney(json: Json): number | null {
  if (typeof json === "string") {
    return parseUsd(json);
  }
  const decimal = json instanceof JsonNumber ? parseDecimal(json.token) : null;
  if (decimal === null || decimal.digits.length > trusted_digits) {
    return null;
  }
  const micros = Number(toWhole(decimal, micro_digits, String(Number.MAX_SAFE_INTEGER).length) ?? -1);
  return micros >= 0 && micros <= Number.MAX_SAFE_INTEGER ? micros : null;
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
