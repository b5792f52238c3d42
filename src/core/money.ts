/** Money as people write it, a decimal of USD, and as it is counted: whole micro-USD, 0 to 2^53-1. */

const plain_decimal = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;
const micro_digits = 6;
const whole_digits_max = 10;

/** Reads decimal text, 0 to 9007199254.740991; null for what is none, or is finer than micro-USD. */
export function parseUsd(text: string): number | null {
  const [, whole = "", fraction = ""] = plain_decimal.exec(text) ?? [];
  const significant = fraction.replace(/0+$/, "");
  // The bound comes first: a text of a million digits is not made a number.
  if (whole === "" || whole.length > whole_digits_max || significant.length > micro_digits) {
    return null;
  }
  // Exact: up to 2^53-1 a double holds every whole number, and what is above it is above it rounded, too.
  const micros = Number(whole + significant.padEnd(micro_digits, "0"));
  return micros <= Number.MAX_SAFE_INTEGER ? micros : null;
}

/** Writes micro-USD as decimal text, without zeros at the end. */
export function printUsd(micros: number): string {
  const digits = String(micros).padStart(micro_digits + 1, "0");
  const fraction = digits.slice(-micro_digits).replace(/0+$/, "");
  const whole = digits.slice(0, -micro_digits);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
