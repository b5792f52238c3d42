/** What an action costs: whether it fits at its session and at all above it, and if not, why. */
import { limits } from "../limits.js";
import { amount_max, amount_units } from "./budget.js";
import type { Intercept } from "./command.js";
import type { BudgetExceeded } from "./event-budget.js";
import type { Amounts, Unit } from "./event-parts.js";
import { printUsd } from "./money.js";
import { parentOf, pathFromRoot } from "./scope.js";
import type { Budget } from "./session-parts.js";
import type { Session, State } from "./state.js";
import { builtIn, type Judgement } from "./verdict.js";

/** A limit that an action would pass, and what it asks for. */
export interface Excess {
  readonly owner: Session;
  readonly unit: Unit;
  readonly amount: number;
}

/** The first budget, from the root down, that one more action exceeds; null when none. */
export function exceededActions(state: State, session: Session): Excess | null {
  const owner = highest(state, session, ({ actions }) => exceeds(actions, 1));
  return owner === null ? null : { owner, unit: "actions", amount: 1 };
}

/**
 * The first budget, from the root down, that a cost or an estimate exceeds; null when none. An overrun
 * makes even an action exceed it that costs nothing.
 */
export function exceededCost(state: State, session: Session, cost: Amounts): Excess | null {
  const owner = highest(
    state,
    session,
    ({ tokens, cost_usd_micros }) =>
      exceeds(tokens, cost.tokens) || exceeds(cost_usd_micros, cost.cost_usd_micros),
  );
  if (owner === null) {
    return null;
  }
  const unit = exceeds(owner.tokens, cost.tokens) ? "tokens" : "cost_usd_micros";
  return { owner, unit, amount: cost[unit] };
}

/** Of a session and those above it the one nearest to the root of which something holds. Makes no list: it is asked for every action. */
function highest(state: State, session: Session, holds: (owner: Session) => boolean): Session | null {
  let found: Session | null = null;
  for (let each: Session | undefined = session; each !== undefined; each = parentOf(state, each)) {
    if (holds(each)) {
      found = each;
    }
  }
  return found;
}

/** Whether an amount is more than what is not spent yet: what is only held may come back. */
export function exceeds({ limit, spent, overrun }: Budget, amount: number): boolean {
  return limit !== null && spent + overrun + amount > limit;
}

/**
 * Why an action is blocked whose cost exceeds no budget: what it needs is held for actions under way,
 * or too many of these are. Nothing is stopped for what may come back. Null when it fits.
 */
export function withoutRoom(
  state: State,
  session: Session,
  { estimate }: Intercept,
  cost: Amounts,
): Judgement | null {
  const path = pathFromRoot(state, session);
  for (const owner of path) {
    for (const unit of amount_units) {
      if (!isFree(owner[unit], cost[unit])) {
        return blocked("__budget_reserved", "budget reserved", reservedReason(owner, unit));
      }
    }
  }
  if (estimate === null) {
    return null;
  }
  for (const owner of path) {
    const most = owner.max_concurrent ?? limits.session_reservations;
    if (owner.open_reservations >= most) {
      return blocked("__max_concurrent", "too many at once", concurrentReason(owner, most));
    }
  }
  return state.reservations.size < limits.reservations
    ? null
    : blocked(
        "__max_concurrent",
        "too many at once",
        `${limits.reservations} reservations are open in the workspace: settle or cancel some first`,
      );
}

/** Whether an amount fits beside what is spent and held. No sum passes 2^53-1, with a limit or without. */
function isFree({ limit, spent, reserved, overrun }: Budget, amount: number): boolean {
  if (amount === 0) {
    return true;
  }
  return limit === null
    ? spent + reserved + amount <= amount_max
    : spent + overrun + reserved + amount <= limit;
}

function blocked(policy_id: string, name: string, reasoning: string): Judgement {
  return {
    decision: "block",
    path: "session",
    reasoning,
    triggered: builtIn(policy_id, name, "block", reasoning),
  };
}

function reservedReason(owner: Session, unit: Unit): string {
  const { limit, spent, reserved } = owner[unit];
  return limit === null
    ? `${unit} beyond ${amount_max} are not counted`
    : `budget reserved: of ${limitText(unit, limit)}, ${amountText(unit, spent)} are spent and ` +
        `${amountText(unit, reserved)} held for actions under way: settle or cancel these first`;
}

function concurrentReason({ max_concurrent }: Session, most: number): string {
  return max_concurrent === null
    ? `${most} reservations are open at and below one session: settle or cancel some first`
    : `too many at once: max_concurrent ${most}: settle or cancel one first`;
}

const limit_names: Readonly<Record<Unit, string>> = {
  actions: "max_actions",
  tokens: "max_tokens",
  cost_usd_micros: "max_cost_usd",
};

/** A limit as requests name it, e.g. `max_cost_usd 0.5`. */
export function limitText(unit: Unit, limit: number): string {
  return `${limit_names[unit]} ${amountText(unit, limit)}`;
}

/** An amount for people: money in USD. */
export function amountText(unit: Unit, amount: number): string {
  return unit === "cost_usd_micros" ? printUsd(amount) : String(amount);
}

/**
 * Text for people about a budget that had no room. Of actions each needs one, and all are spent; what an
 * overrun has used is part of what was needed.
 */
export function exceededReason({
  unit,
  limit,
  spent,
  requested,
}: Pick<BudgetExceeded, "unit" | "limit" | "spent" | "requested">): string {
  const figures =
    unit === "actions" ? "" : `, spent ${amountText(unit, spent)}, needed ${amountText(unit, requested)}`;
  return `budget exceeded: ${limitText(unit, limit)}${figures}`;
}
