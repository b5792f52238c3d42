/** What a log says is spent and held, counted anew from its entries: what servers and replies are held against. */

export const units = ["actions", "tokens", "cost_usd_micros"] as const;
export type Unit = (typeof units)[number];
export type Counts = Record<Unit, number>;

export interface Purse {
  readonly session_id: string;
  readonly parent: string | null;
  readonly limits: Record<Unit, number | null>;
  readonly spent: Counts;
  readonly held: Counts;
  /** Of each unit whether spent and held once were the limit exactly. */
  readonly reached: Set<Unit>;
}

type Content = { readonly [member: string]: unknown };
type Amounts = { readonly tokens: number; readonly cost_usd_micros: number };

const nothing: Amounts = { tokens: 0, cost_usd_micros: 0 };

export class Ledger {
  readonly purses = new Map<string, Purse>();
  /** Open reservations by their decisions. */
  readonly #held = new Map<string, { readonly session_id: string; readonly amounts: Amounts }>();
  /** Entries of each event. */
  readonly entries = new Map<string, number>();
  readonly verdicts = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  /** Settlements that reported more than was spent. */
  overruns = 0;
  size = 0;

  /** @throws {Error} naming the entry after which a limit is passed, or that states other totals than there are */
  take(content: Content): void {
    const event = content.event as string;
    count(this.entries, event);
    switch (event) {
      case "session_started":
        this.#start(content);
        break;
      case "budget_raised":
        this.#raise(content);
        break;
      case "enforcement_decision":
        this.#decide(content);
        break;
      case "reservation_settled":
        this.#settle(content);
        break;
      default:
    }
    this.size += 1;
  }

  #start(content: Content): void {
    const budgets = content.budgets as Record<string, number | null>;
    const session_id = content.session_id as string;
    this.purses.set(session_id, {
      session_id,
      parent: content.parent_session_id as string | null,
      limits: {
        actions: budgets.max_actions ?? null,
        tokens: budgets.max_tokens ?? null,
        cost_usd_micros: budgets.max_cost_usd_micros ?? null,
      },
      spent: { actions: 0, tokens: 0, cost_usd_micros: 0 },
      held: { actions: 0, tokens: 0, cost_usd_micros: 0 },
      reached: new Set(),
    });
  }

  #raise({ session_id, unit, from, to }: Content): void {
    const purse = this.purses.get(session_id as string);
    if (purse === undefined || unit === "ttl_seconds") {
      return;
    }
    if (purse.limits[unit as Unit] !== from) {
      throw new Error(`entry ${this.size} raises ${unit} from ${from}, it was ${purse.limits[unit as Unit]}`);
    }
    purse.limits[unit as Unit] = to as number;
  }

  #decide(content: Content): void {
    const session_id = content.session_id as string | null;
    count(this.verdicts, content.decision as string);
    const triggered = content.policies_triggered as readonly { readonly policy_id: string }[];
    const counts = content.decision !== "terminate" && triggered[0]?.policy_id !== "__session_paused";
    const charge = (content.charge ?? nothing) as Amounts;
    const reservation = content.reservation as Amounts | null;
    if (content.decision !== "allow" && (charge !== nothing || reservation !== null)) {
      throw new Error(`entry ${this.size} charges or holds, and is no allow`);
    }
    if (session_id === null) {
      return;
    }
    if (reservation !== null) {
      this.#held.set(content.decision_id as string, { session_id, amounts: reservation });
    }
    this.#add(session_id, counts ? 1 : 0, charge, reservation ?? nothing);
    this.#compare(session_id, content);
  }

  #settle(content: Content): void {
    const decision_id = content.decision_id as string;
    const held = this.#held.get(decision_id);
    if (held === undefined || held.session_id !== content.session_id) {
      throw new Error(`entry ${this.size} closes a reservation of ${decision_id} that is not open`);
    }
    this.#held.delete(decision_id);
    const spent = content.spent as Amounts;
    const reported = content.reported as Amounts | null;
    count(this.outcomes, content.outcome as string);
    if (
      reported !== null &&
      (reported.tokens > spent.tokens || reported.cost_usd_micros > spent.cost_usd_micros)
    ) {
      this.overruns += 1;
    }
    const { tokens, cost_usd_micros } = held.amounts;
    this.#add(held.session_id, 0, spent, { tokens: -tokens, cost_usd_micros: -cost_usd_micros });
    this.#compare(held.session_id, content);
  }

  #add(session_id: string, actions: number, spent: Amounts, held: Amounts): void {
    for (let purse = this.purses.get(session_id); purse !== undefined; ) {
      purse.spent.actions += actions;
      for (const unit of ["tokens", "cost_usd_micros"] as const) {
        purse.spent[unit] += spent[unit];
        purse.held[unit] += held[unit];
      }
      this.#check(purse);
      purse = this.purses.get(purse.parent ?? "");
    }
  }

  #check({ session_id, limits, spent, held, reached }: Purse): void {
    for (const unit of units) {
      const limit = limits[unit];
      const used = spent[unit] + held[unit];
      if (limit !== null && used > limit) {
        throw new Error(`after entry ${this.size} ${used} ${unit} of ${session_id} are used, of ${limit}`);
      }
      if (used === limit) {
        reached.add(unit);
      }
    }
  }

  /** What an entry says of its session against what it is. */
  #compare(session_id: string, { consumed, reserved }: Content): void {
    const { spent, held } = this.purses.get(session_id) as Purse;
    const stated = { ...(consumed as Counts), ...prefixed(reserved as Amounts) };
    const counted = { ...spent, ...prefixed(held) };
    for (const [name, value] of Object.entries(counted)) {
      if (stated[name as Unit] !== value) {
        throw new Error(`entry ${this.size} states ${name} ${stated[name as Unit]}, counted are ${value}`);
      }
    }
  }
}

function prefixed({ tokens, cost_usd_micros }: Amounts): Record<string, number> {
  return { held_tokens: tokens, held_cost_usd_micros: cost_usd_micros };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
