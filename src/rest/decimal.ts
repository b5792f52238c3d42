/** Decimal numbers as text, kept exactly: a double would round what a caller wrote. */

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
