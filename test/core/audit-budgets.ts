/** What a verifier demands of budgets (vault-format.md, 3 and 9 H): recounted from the entries alone. */
import type { Event } from "../../src/core/event.js";
import type { Amounts, Consumed, Unit } from "../../src/core/event-parts.js";

type Of<Name extends Event["event"]> = Extract<Event, { event: Name }>;

export const every_unit: readonly Unit[] = ["actions", "tokens", "cost_usd_micros"];

/** One unit of one session. */
export interface Account {
  limit: number | null;
  spent: number;
  held: number;
  /** Reported and not charged. */
  overrun: number;
}

export type Ledger = Readonly<Record<Unit, Account>>;

/** A session as far as its budgets go. */
export interface Payer {
  readonly start: Of<"session_started">;
  readonly ledger: Ledger;
  expires_at: number | null;
}

export type Demand = (holds: boolean, claim: string) => void;

export function openLedger({ budgets }: Of<"session_started">): Ledger {
  const account = (limit: number | null): Account => ({ limit, spent: 0, held: 0, overrun: 0 });
  return {
    actions: account(budgets.max_actions),
    tokens: account(budgets.max_tokens),
    cost_usd_micros: account(budgets.max_cost_usd_micros),
  };
}

/** Adds to what a session and all above it have spent and hold; nothing may pass a limit. */
export function book(
  demand: Demand,
  chain: readonly Payer[],
  spent: Partial<Consumed>,
  held: Partial<Amounts>,
): void {
  for (const { ledger } of chain) {
    for (const unit of every_unit) {
      const account = ledger[unit];
      account.spent += spent[unit] ?? 0;
      account.held += unit === "actions" ? 0 : (held[unit] ?? 0);
      demand(account.held >= 0, `${unit}: no more is given back than was held`);
      demand(account.spent + account.held <= (account.limit ?? 2 ** 53 - 1), `${unit}: within budget`);
    }
  }
}

/** What an entry states of its session is the recount. */
export function stated(
  demand: Demand,
  payer: Payer | undefined,
  consumed: Consumed | null,
  reserved: Amounts | null,
): void {
  for (const unit of every_unit) {
    const account = payer?.ledger[unit];
    demand((consumed?.[unit] ?? null) === (account?.spent ?? null), `${unit}: what is spent is the recount`);
    if (unit !== "actions") {
      demand((reserved?.[unit] ?? null) === (account?.held ?? null), `${unit}: what is held is the recount`);
    }
  }
}

export function exceeded(demand: Demand, event: Of<"budget_exceeded">, owner: Payer | undefined): void {
  const account = owner?.ledger[event.unit];
  demand(event.limit === account?.limit, "the limit is the owner's");
  demand(event.spent === account?.spent, "what is spent is the recount");
  demand(event.reserved === account?.held, "what is held is the recount");
  demand(event.on_exceeded === owner?.start.on_exceeded, "the ending is the owner's");
  demand(event.requested >= (account?.overrun ?? 0), "an overrun counts as requested");
  demand(event.spent + event.requested > event.limit, "it did not fit, whatever is given back");
}

/** @param held of the reservation that ends; undefined when none is open */
export function settled(
  demand: Demand,
  event: Of<"reservation_settled">,
  chain: readonly Payer[],
  held: Amounts | undefined,
): void {
  const { outcome, spent, reported } = event;
  demand(held !== undefined, "a reservation ends once");
  const back = { tokens: -(held?.tokens ?? 0), cost_usd_micros: -(held?.cost_usd_micros ?? 0) };
  for (const unit of ["tokens", "cost_usd_micros"] as const) {
    const most = Math.min(
      ...chain.map(({ ledger }) => {
        const account = ledger[unit];
        return (account.limit ?? 2 ** 53 - 1) - account.spent - account.held - back[unit];
      }),
    );
    const due = {
      settled: Math.min(reported?.[unit] ?? Number.NaN, most),
      cancelled: 0,
      lapsed: held?.[unit] ?? 0,
    }[outcome];
    demand(spent[unit] === due, `${unit}: so much is charged as fits`);
    for (const { ledger } of chain) {
      const beyond = Math.max(0, (reported?.[unit] ?? 0) - spent[unit]);
      ledger[unit].overrun = Math.min(ledger[unit].overrun + beyond, 2 ** 53 - 1);
    }
  }
  demand((outcome === "settled") === (reported !== null), "what was reported is told, and nothing else");
  demand((outcome === "lapsed") === (event.actor.role === "system"), "the engine alone lets it lapse");
  book(demand, chain, spent, back);
  stated(demand, chain[0], event.consumed, event.reserved);
}

export function raised(demand: Demand, event: Of<"budget_raised">, payer: Payer): void {
  const { unit, from, to, expires_at } = event;
  demand(event.actor.key_id !== null, "a person raises it");
  demand(to > from, "a limit rises");
  if (unit === "ttl_seconds") {
    demand(expires_at === payer.start.at + to * 1000, "the end follows from the new ttl");
    demand((expires_at ?? 0) > (payer.expires_at ?? Number.POSITIVE_INFINITY), "the end is later");
    payer.expires_at = expires_at;
  } else {
    demand(from === payer.ledger[unit].limit, "from is the limit in force");
    demand(expires_at === null, "only a ttl has an end");
    payer.ledger[unit].limit = to;
  }
}

export function warned(demand: Demand, event: Of<"notice">, payer: Payer | undefined): void {
  if (event.kind !== "soft_limit") {
    return;
  }
  const { unit, percent, limit, spent } = event.body;
  const account = payer?.ledger[unit];
  demand(payer?.start.budgets.warn_at_percent?.includes(percent) === true, "the session asked for it");
  demand(limit === account?.limit && spent === account.spent, "what is told is the recount");
  demand(BigInt(spent) * 100n >= BigInt(percent) * BigInt(limit), "the part is reached");
}
