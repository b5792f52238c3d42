/** Money for people. */

/** Micro-USD as a decimal number of USD, without zeros at its end. */
export function usd(micros: number): string {
  const digits = String(micros).padStart(7, "0");
  const fraction = digits.slice(-6).replace(/0+$/, "");
  return `${digits.slice(0, -6)}${fraction === "" ? "" : `.${fraction}`}`;
}
