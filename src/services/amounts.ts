/** Amounts of tokens and money: of a request, exactly, and as messages. */
import { create } from "@bufbuild/protobuf";
import type { Cost } from "../../gen/killcord/v1/enforcement_pb.js";
import { type Reserved, ReservedSchema } from "../../gen/killcord/v1/session_pb.js";
import type { Amounts } from "../core/event-parts.js";
import { parseUsd } from "../core/money.js";
import { expected_usd } from "./expected.js";
import { invalid } from "./validate.js";

/**
 * What a request says that an action costs; what it leaves out costs nothing.
 *
 * @param field where it stands in the request
 * @throws {KillcordError} invalid_argument
 */
export function amountsAsked(cost: Cost, field: string): Amounts {
  return {
    tokens: Number(cost.tokens ?? 0n),
    cost_usd_micros: cost.costUsd === undefined ? 0 : usdAsked(cost.costUsd, `${field}.cost_usd`),
  };
}

/**
 * Money of a request, in micro-USD.
 *
 * @throws {KillcordError} invalid_argument
 */
export function usdAsked(text: string, field: string): number {
  const micros = parseUsd(text);
  if (micros === null) {
    throw invalid([{ field, issue: expected_usd }]);
  }
  return micros;
}

export function amountsView({ tokens, cost_usd_micros }: Amounts): Reserved {
  return create(ReservedSchema, { tokens: BigInt(tokens), costUsdMicros: BigInt(cost_usd_micros) });
}

/** Null for nothing of either, which a message leaves out. */
export function amountsViewIfAny(amounts: Amounts | null): Reserved | null {
  return amounts === null || (amounts.tokens === 0 && amounts.cost_usd_micros === 0)
    ? null
    : amountsView(amounts);
}
