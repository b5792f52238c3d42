/** Numbers as people type them. */
import { InvalidArgumentError } from "commander";

/** Reads a whole number, 0 and up. Throws commander's InvalidArgumentError. */
export function wholeNumber(text: string): bigint {
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Expected a whole number.");
}
