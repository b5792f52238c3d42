/** Money in JSON: a decimal string or a number in USD, kept in whole micro-USD and never rounded. */
import { parseDecimal, toWhole } from "./decimal.js";
import { type Json, JsonNumber } from "./json.js";

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
