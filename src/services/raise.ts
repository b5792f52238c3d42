/** UpdateBudgets: raises limits of a session. */
import type { Budgets, Session, UpdateBudgetsRequest } from "../../gen/killcord/v1/session_pb.js";
import { OnExceeded } from "../../gen/killcord/v1/session_pb.js";
import { budgetsAsked } from "./budgets.js";
import { by, type Context, submit } from "./context.js";
import type { Call } from "./door.js";
import { present } from "./present.js";
import { invalid } from "./validate.js";

/** @throws {KillcordError} invalid_argument for a limit that can't be raised */
export async function updateBudgets(
  context: Context,
  { sessionId, budgets, reason }: UpdateBudgetsRequest,
  call: Call,
): Promise<{ session: Session }> {
  refuseFixed(budgets);
  const { max_actions, max_tokens, max_cost_usd_micros, ttl_seconds } = budgetsAsked(budgets);
  const { reply } = await submit(
    context,
    call,
    {
      type: "update_budgets",
      session_id: sessionId,
      max_actions,
      max_tokens,
      max_cost_usd_micros,
      ttl_seconds,
      reason: reason || "raised by operator",
      ...by(call),
    },
    "session",
  );
  return { session: await present(context, reply.session_id) };
}

/** What a session was started with and keeps. */
function refuseFixed(budgets: Budgets | undefined): void {
  const given = {
    idle_timeout_seconds: budgets?.idleTimeoutSeconds !== undefined,
    max_depth: budgets?.maxDepth !== undefined,
    max_concurrent: budgets?.maxConcurrent !== undefined,
    on_exceeded: budgets !== undefined && budgets.onExceeded !== OnExceeded.UNSPECIFIED,
    warn_at_percent: budgets !== undefined && budgets.warnAtPercent.length > 0,
  };
  const fixed = Object.entries(given).filter(([, is_given]) => is_given);
  if (fixed.length > 0) {
    throw invalid(
      fixed.map(([name]) => ({ field: `budgets.${name}`, issue: "can't be changed after the start" })),
    );
  }
}
