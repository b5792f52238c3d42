/**
 * What actions cost: tokens, and money in USD, exact to a millionth. On the wire money is a decimal
 * text; a double never is, and nothing is rounded.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CostSchema } from "../gen/killcord/v1/enforcement_pb.js";
import { KillcordError } from "./errors.js";

/**
 * An amount of USD, 0 to 9007199254.740991: a decimal such as `"0.0125"`, or a number that is one. Of a
 * number the shortest decimal counts that stands for it; one that is finer than a millionth is refused,
 * not rounded. `price.toFixed(6)` rounds where that is meant.
 */
export type Usd = string | number;

/** What an action costs, or may cost. What is left out is none. */
export interface Cost {
  /** Whole, 0 and up. */
  readonly tokens?: number;
  readonly costUsd?: Usd;
}

/** Amounts as the server counts them. */
export interface Amounts {
  readonly tokens: number;
  /** Millionths of a USD. */
  readonly costUsdMicros: number;
}

const decimal_grammar = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;
const number_grammar = /^([0-9])(?:\.([0-9]+))?e([+-][0-9]+)$/;
/** A double holds this many digits whatever they are; a longer one has been rounded already. */
const digits_max = 15;
const cost_names: ReadonlySet<string> = new Set<keyof Cost>(["tokens", "costUsd"]);

/** @throws {KillcordError} invalid_argument */
export function wireCost(name: string, cost: Cost): MessageInitShape<typeof CostSchema> {
  const unknown = Object.keys(cost).find((each) => !cost_names.has(each));
  if (unknown !== undefined) throw invalid(`${name} has no ${unknown}: there are tokens and costUsd`);
  const { tokens, costUsd } = cost;
  if (tokens !== undefined && !(Number.isSafeInteger(tokens) && tokens >= 0)) {
    throw invalid(`${name}.tokens is ${tokens}: it must be a whole number, 0 and up`);
  }
  return {
    ...(tokens === undefined ? {} : { tokens: BigInt(tokens) }),
    ...(costUsd === undefined ? {} : { costUsd: wireUsd(`${name}.costUsd`, costUsd) }),
  };
}

/** @throws {KillcordError} invalid_argument */
export function wireUsd(name: string, value: Usd): string {
  const micros = microUsd(value);
  if (micros === null) {
    throw invalid(
      `${name} is ${JSON.stringify(value)}: it must be USD from 0 to 9007199254.740991, no finer than a millionth`,
    );
  }
  const digits = micros.toString().padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, "");
}

/** Millionths of a USD; null when it is no such amount. */
function microUsd(value: unknown): bigint | null {
  const text = typeof value === "number" ? plain(String(value)) : value;
  if (typeof text !== "string") return null;
  const [, whole, fraction = ""] = decimal_grammar.exec(text) ?? [];
  if (whole === undefined || /[1-9]/.test(fraction.slice(6))) return null;
  const digits = `${whole}${fraction}`.replace(/^0+|0+$/g, "");
  if (typeof value === "number" && digits.length > digits_max) return null;
  if (whole.length > digits_max) return null;
  const micros = BigInt(`${whole}${fraction.slice(0, 6).padEnd(6, "0")}`);
  return micros <= BigInt(Number.MAX_SAFE_INTEGER) ? micros : null;
}

/** A number's text without a power of ten: JavaScript writes one for the very small and the very large. */
function plain(text: string): string {
  const [, first = "", rest = "", power = ""] = number_grammar.exec(text) ?? [];
  const zeros = Number(power);
  if (first === "" || Math.abs(zeros) > 30) return text;
  return zeros < 0 ? `0.${"0".repeat(-zeros - 1)}${first}${rest}` : `${first}${rest}`.padEnd(zeros + 1, "0");
}

function invalid(message: string): KillcordError {
  return new KillcordError("invalid_argument", message);
}
