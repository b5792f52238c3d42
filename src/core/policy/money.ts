/** Amounts of USD in the conditions of policies, in whole micro-USD. */
import type { Json } from "./document.js";

/** A double holds this many decimal digits whatever they are; a longer number may have been rounded. */
const trusted_digits = 15;

/** Reads 0 to 9007199254.740991 USD, a decimal text or a number, as micro-USD; null when it is none. */
export function microsOf(json: Json): number | null {
  const text = typeof json === "number" ? String(json) : json;
  const parts = typeof text === "string" ? /^(0|[1-9][0-9]{0,9})(?:\.([0-9]+))?$/.exec(text) : null;
  if (parts === null) {
    return null;
  }
  const [, whole = "", fraction = ""] = parts;
  const fine = fraction.replace(/0+$/, "");
  if (fine.length > 6 || (typeof json === "number" && `${whole}${fine}`.length > trusted_digits)) {
    return null;
  }
  const micros = BigInt(whole + fine.padEnd(6, "0"));
  return micros <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(micros) : null;
}
