/** What an agent has left before a limit is reached, in every unit: the least of its session and all above it. */
import { create } from "@bufbuild/protobuf";
import { type BudgetLeft, BudgetLeftSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import { idleDeadline, ttlDeadline } from "../core/budget.js";
import type { EnforcementDecision } from "../core/event.js";
import type { Budget } from "../core/session-parts.js";
import type { Session, State } from "../core/state.js";
import { given } from "./view.js";

/** Null where nothing limits it. */
type Left = number | null;

/**
 * What is left after a decision: of the session itself as the decision says, of those above it and of
 * limits that were raised since as they are now.
 */
export function budgetLeft(
  state: State,
  session: Session,
  { consumed, reserved, at }: EnforcementDecision,
): BudgetLeft {
  const spent = consumed ?? { actions: 0, tokens: 0, cost_usd_micros: 0 };
  const held = reserved ?? { tokens: 0, cost_usd_micros: 0 };
  let actions = left(session.actions, spent.actions, 0);
  let tokens = left(session.tokens, spent.tokens, held.tokens);
  let cost = left(session.cost_usd_micros, spent.cost_usd_micros, held.cost_usd_micros);
  let ttl = secondsLeft(ttlDeadline(session), at);
  let idle = secondsLeft(idleDeadline(session), at);
  for (let above = parentOf(state, session); above !== undefined; above = parentOf(state, above)) {
    actions = least(actions, leftNow(above.actions));
    tokens = least(tokens, leftNow(above.tokens));
    cost = least(cost, leftNow(above.cost_usd_micros));
    ttl = least(ttl, secondsLeft(ttlDeadline(above), at));
    idle = least(idle, secondsLeft(idleDeadline(above), at));
  }
  return create(BudgetLeftSchema, {
    ...given("actions", bigintOf(actions)),
    ...given("tokens", bigintOf(tokens)),
    ...given("costUsdMicros", bigintOf(cost)),
    ...given("ttlSeconds", bigintOf(ttl)),
    ...given("idleSeconds", bigintOf(idle)),
  });
}

/** Those above a session that has stopped may have left memory: nothing is left of them that matters. */
function parentOf(state: State, { parent_session_id }: Session): Session | undefined {
  return parent_session_id === null ? undefined : state.sessions.get(parent_session_id);
}

function leftNow(budget: Budget): Left {
  return left(budget, budget.spent, budget.reserved);
}

function left({ limit, overrun }: Budget, spent: number, reserved: number): Left {
  return limit === null ? null : Math.max(0, limit - spent - reserved - overrun);
}

function secondsLeft(deadline_at: number | null, at: number): Left {
  return deadline_at === null ? null : Math.max(0, Math.floor((deadline_at - at) / 1000));
}

function least(one: Left, other: Left): Left {
  return one === null ? other : other === null ? one : Math.min(one, other);
}

function bigintOf(value: Left): bigint | null {
  return value === null ? null : BigInt(value);
}
