/** Numbers as people type them. */
import { InvalidArgumentError } from "commander";
import { parseUsd } from "../core/money.js";

/** Reads a whole number, 0 and up. Throws commander's InvalidArgumentError. */
export function wholeNumber(text: string): bigint {
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Expected a whole number.");
}

/** Takes an amount of USD as it is written, 0 and up with 6 decimals at most. Throws commander's InvalidArgumentError. */
export function usd(text: string): string {
  if (parseUsd(text) !== null) return text;
  throw new InvalidArgumentError("Expected USD with 6 decimals at most, e.g. 5 or 0.25.");
}
