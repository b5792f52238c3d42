/** Budgets for people: what is used of each, what is held, what is left. */
import type { Session } from "../../gen/killcord/v1/session_pb.js";
import { parseUsd, printUsd } from "../core/money.js";

/** One amount of a session. */
interface Amount {
  readonly used: number;
  /** For actions that are not settled yet. */
  readonly held: number;
  /** Reported beyond the limit. */
  readonly over: number;
  readonly limit: number | null;
  readonly show: (amount: number) => string;
}

function actionsOf({ consumed, budgets }: Session): Amount {
  const limit = budgets?.maxActions;
  return {
    used: Number(consumed?.actions ?? 0n),
    held: 0,
    over: 0,
    limit: limit === undefined ? null : Number(limit),
    show: String,
  };
}

function tokensOf({ consumed, budgets, reserved, overrun }: Session): Amount {
  const limit = budgets?.maxTokens;
  return {
    used: Number(consumed?.tokens ?? 0n),
    held: Number(reserved?.tokens ?? 0n),
    over: Number(overrun?.tokens ?? 0n),
    limit: limit === undefined ? null : Number(limit),
    show: String,
  };
}

function costOf({ consumed, budgets, reserved, overrun }: Session): Amount {
  const limit = budgets?.maxCostUsd;
  return {
    used: Number(consumed?.costUsdMicros ?? 0n),
    held: Number(reserved?.costUsdMicros ?? 0n),
    over: Number(overrun?.costUsdMicros ?? 0n),
    limit: limit === undefined ? null : parseUsd(limit),
    show: showUsd,
  };
}

/** Money with at least its cents: `$4.98`, `$0.000001`. */
export function showUsd(micros: number): string {
  const [whole, fraction = ""] = printUsd(micros).split(".");
  return `$${whole}.${fraction.padEnd(2, "0")}`;
}

/** What is used of the actions: `███░░░░░░░ 61/200`, or the count alone without a limit. */
export function showActions(session: Session, cells = 10): string {
  return barred(actionsOf(session), cells);
}

/** The same of tokens, with what is held for open actions: `███▒░░░░░░ 610+50/2000`; empty for none. */
export function showTokens(session: Session, cells = 10): string {
  return unlessNone(tokensOf(session), cells);
}

/** The same of money: `████████▒░ $4.10+$0.50/$5.00`. */
export function showCost(session: Session, cells = 10): string {
  return unlessNone(costOf(session), cells);
}

/** One amount of a card: `███▒░░░░░░ 610+50/2000, 1340 left`. */
export function cardAmounts(session: Session): readonly (readonly [string, string])[] {
  const words = (amount: Amount) => [barred(amount, 10), ...leftOf(amount)].join(", ");
  const [tokens, cost] = [tokensOf(session), costOf(session)];
  return [
    ["actions", words(actionsOf(session))],
    ["tokens", isNone(tokens) ? "" : words(tokens)],
    ["cost", isNone(cost) ? "" : words(cost)],
  ];
}

function leftOf({ used, held, over, limit, show }: Amount): readonly string[] {
  const left = limit === null ? [] : [`${show(Math.max(0, limit - used - held - over))} left`];
  return over === 0 ? left : [...left, `${show(over)} over`];
}

/** Whether there is nothing to say of an amount. */
function isNone({ used, held, over, limit }: Amount): boolean {
  return limit === null && used === 0 && held === 0 && over === 0;
}

function unlessNone(amount: Amount, cells: number): string {
  return isNone(amount) ? "" : barred(amount, cells);
}

function barred({ used, held, limit, show }: Amount, cells: number): string {
  const amount = held === 0 ? show(used) : `${show(used)}+${show(held)}`;
  if (limit === null) return amount;
  const full = filled(used, limit, cells);
  const reached = filled(used + held, limit, cells);
  const bar = `${"█".repeat(full)}${"▒".repeat(reached - full)}${"░".repeat(cells - reached)}`;
  return `${bar} ${amount}/${show(limit)}`;
}

/** Something used shows, and only a full budget looks full. */
function filled(used: number, limit: number, cells: number): number {
  const share = limit === 0 ? 1 : Math.min(1, used / limit);
  return share === 1 ? cells : Math.min(cells - 1, Math.ceil(share * cells));
}
