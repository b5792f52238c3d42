/** The limits of a session, and how they are checked: a mistyped limit would be no limit. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type BudgetsSchema, OnExceeded } from "../gen/killcord/v1/session_pb.js";
import { knownOnly, refusedOption, whole } from "./checks.js";
import { type Usd, wireUsd } from "./money.js";

/** The limits of a session. An absent one is no limit; with none at all the server sets an idle time of a day. */
export interface Budgets {
  /** Number of actions: with N, action N+1 is the first that does not fit. */
  readonly maxActions?: number;
  /** Number of tokens, in all actions together. */
  readonly maxTokens?: number;
  /** USD, in all actions together, exact to a millionth. */
  readonly maxCostUsd?: Usd;
  /** Seconds from the start, 1 to 31536000. */
  readonly ttlSeconds?: number;
  /** Seconds without an intercept, 1 to 31536000. */
  readonly idleTimeoutSeconds?: number;
  /** Levels of sub-sessions below this one, 1 to 8. */
  readonly maxDepth?: number;
  /** Actions under way at once, here and in sub-sessions, 1 to 1000: those that hold an estimate. */
  readonly maxConcurrent?: number;
  /** Warns when so much of a budget is used: whole percentages, 1 to 99, at most 8. */
  readonly warnAtPercent?: readonly number[];
  /** What an action does that does not fit: stops the session, or holds it until the budget is raised. Default terminate. */
  readonly onExceeded?: "terminate" | "pause";
}

const budget_names: ReadonlySet<string> = new Set<keyof Budgets>([
  "maxActions",
  "maxTokens",
  "maxCostUsd",
  "ttlSeconds",
  "idleTimeoutSeconds",
  "maxDepth",
  "maxConcurrent",
  "warnAtPercent",
  "onExceeded",
]);

const on_exceeded_codes: Readonly<Record<NonNullable<Budgets["onExceeded"]>, OnExceeded>> = {
  terminate: OnExceeded.TERMINATE,
  pause: OnExceeded.PAUSE,
};

/** What the server says no to, but for what needs no server to be seen as wrong. @throws {KillcordError} invalid_argument */
export function checkBudgets(budgets: Budgets): void {
  knownOnly("budgets", budgets, budget_names);
  for (const name of ["maxActions", "maxTokens", "ttlSeconds", "idleTimeoutSeconds"] as const) {
    if (budgets[name] !== undefined) whole(`budgets.${name}`, budgets[name], 0, Number.MAX_SAFE_INTEGER);
  }
  const { maxCostUsd, maxDepth, maxConcurrent, warnAtPercent, onExceeded } = budgets;
  if (maxCostUsd !== undefined) wireUsd("budgets.maxCostUsd", maxCostUsd);
  if (maxDepth !== undefined) whole("budgets.maxDepth", maxDepth, 1, 8);
  if (maxConcurrent !== undefined) whole("budgets.maxConcurrent", maxConcurrent, 1, 1000);
  for (const percent of warnAtPercent ?? []) whole("budgets.warnAtPercent", percent, 1, 99);
  if (onExceeded !== undefined && !Object.hasOwn(on_exceeded_codes, onExceeded)) {
    throw refusedOption("budgets.onExceeded", onExceeded);
  }
}

export function wireBudgets(budgets: Budgets): MessageInitShape<typeof BudgetsSchema> {
  const { maxActions, maxTokens, maxCostUsd, ttlSeconds, idleTimeoutSeconds } = budgets;
  const { maxDepth, maxConcurrent, warnAtPercent, onExceeded } = budgets;
  return {
    ...(maxActions === undefined ? {} : { maxActions: BigInt(maxActions) }),
    ...(maxTokens === undefined ? {} : { maxTokens: BigInt(maxTokens) }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd: wireUsd("budgets.maxCostUsd", maxCostUsd) }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds: BigInt(ttlSeconds) }),
    ...(idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds: BigInt(idleTimeoutSeconds) }),
    ...(maxDepth === undefined ? {} : { maxDepth }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(warnAtPercent === undefined ? {} : { warnAtPercent: [...warnAtPercent] }),
    ...(onExceeded === undefined ? {} : { onExceeded: on_exceeded_codes[onExceeded] }),
  };
}
