/** The limits of a session: of a request, and as a message. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Budgets, type BudgetsSchema, OnExceeded } from "../../gen/killcord/v1/session_pb.js";
import type { StartSession } from "../core/command.js";
import { printUsd } from "../core/money.js";
import type { Session } from "../core/state.js";
import { usdAsked } from "./amounts.js";
import { given } from "./view.js";

type Asked = Pick<
  StartSession,
  | "max_actions"
  | "max_tokens"
  | "max_cost_usd_micros"
  | "ttl_seconds"
  | "idle_timeout_seconds"
  | "on_exceeded"
  | "max_depth"
  | "max_concurrent"
  | "warn_at_percent"
>;

/**
 * The limits that a request asks for; null for one that it does not.
 *
 * @throws {KillcordError} invalid_argument
 */
export function budgetsAsked(budgets: Budgets | undefined): Asked {
  const cost = budgets?.maxCostUsd;
  return {
    max_actions: numberOf(budgets?.maxActions),
    max_tokens: numberOf(budgets?.maxTokens),
    max_cost_usd_micros: cost === undefined ? null : usdAsked(cost, "budgets.max_cost_usd"),
    ttl_seconds: numberOf(budgets?.ttlSeconds),
    idle_timeout_seconds: numberOf(budgets?.idleTimeoutSeconds),
    on_exceeded: budgets?.onExceeded === OnExceeded.PAUSE ? "pause" : "terminate",
    max_depth: budgets?.maxDepth ?? null,
    max_concurrent: budgets?.maxConcurrent ?? null,
    warn_at_percent: [...(budgets?.warnAtPercent ?? [])].sort((one, other) => one - other),
  };
}

/** The limits that are set; what an exceeded amount does is said where an amount is limited. */
export function budgetsView(session: Session): MessageInitShape<typeof BudgetsSchema> {
  const { actions, tokens, cost_usd_micros, on_exceeded } = session;
  const is_limited = actions.limit !== null || tokens.limit !== null || cost_usd_micros.limit !== null;
  const ending = on_exceeded === "pause" ? OnExceeded.PAUSE : OnExceeded.TERMINATE;
  return {
    onExceeded: is_limited ? ending : OnExceeded.UNSPECIFIED,
    warnAtPercent: [...session.warn_at_percent],
    ...given("maxActions", bigintOf(actions.limit)),
    ...given("maxTokens", bigintOf(tokens.limit)),
    ...given("maxCostUsd", cost_usd_micros.limit === null ? null : printUsd(cost_usd_micros.limit)),
    ...given("ttlSeconds", bigintOf(session.ttl_seconds)),
    ...given("idleTimeoutSeconds", bigintOf(session.idle_timeout_seconds)),
    ...given("maxDepth", session.max_depth),
    ...given("maxConcurrent", session.max_concurrent),
  };
}

function numberOf(value: bigint | undefined): number | null {
  return value === undefined ? null : Number(value);
}

function bigintOf(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}
