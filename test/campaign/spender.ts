/**
 * One of many clients that spend from one tree of sessions at a time: what it asks for is drawn at random,
 * what gets no answer it asks again until it gets one, and every answer is held against the limits.
 */
import { setTimeout as pause } from "node:timers/promises";
import { sequenceOf } from "../../src/core/ids.js";
import { printUsd } from "../../src/core/money.js";
import { limits } from "../../src/limits.js";
import { type Counts, units } from "./ledger.js";
import type { Asked, Cost, Told, Way } from "./ways.js";

/** What all spenders of a tree share. */
export interface Tree {
  /** Those that may be asked in: a stopped one leaves. */
  readonly live: Set<string>;
  /** The highest limits that were ever asked for, by session; null for none. */
  readonly bounds: ReadonlyMap<string, Readonly<Record<keyof Counts, number | null>>>;
  readonly figures: SpenderFigures;
}

export type SpenderFigures = Record<
  "answers" | "unanswered" | "repeats" | "settles" | "cancels" | "forgotten" | "blocked_by_reserved",
  number
>;

interface Open {
  readonly decision_id: string;
  readonly estimate: Amounts;
}

interface Amounts {
  readonly tokens: number;
  readonly micros: number;
}

/** What becomes of an estimate: most are settled, some with more than was held, some are forgotten. */
const patience_ms = 60_000;

export class Spender {
  readonly #name: string;
  readonly #way: Way;
  readonly #tree: Tree;
  readonly #random: () => number;
  readonly #open: Open[] = [];
  /** What was left at the last answer, by session. */
  readonly #left = new Map<string, NonNullable<Told["left"]>>();
  #asked = 0;

  constructor(name: string, way: Way, tree: Tree, random: () => number) {
    this.#name = name;
    this.#way = way;
    this.#tree = tree;
    this.#random = random;
  }

  /** @throws {Error} for an answer that passes a limit, or that no good server gives */
  async spend(steps: number): Promise<void> {
    for (let i = 0; i < steps && this.#tree.live.size > 0; i++) {
      if (this.#open.length > 0 && this.#chance(0.5)) {
        await this.#close(this.#open.shift() as Open);
      } else {
        await this.#act();
      }
    }
    for (const open of this.#open.splice(0)) {
      await this.#close(open);
    }
    this.#way.close();
  }

  async #act(): Promise<void> {
    const live = [...this.#tree.live];
    const session_id = live[this.#below(live.length)] as string;
    const amounts = this.#affordable(session_id);
    const how = this.#below(10);
    this.#asked += 1;
    const asked: Asked = {
      do: "intercept",
      session_id,
      key: `${this.#name}-${this.#asked}`,
      ...(how < 3 ? { cost: costOf(amounts) } : how < 9 ? { estimate: costOf(amounts) } : {}),
    };
    const repeats = this.#chance(0.15);
    const [told, again] = await Promise.all([this.#ask(asked), repeats ? this.#ask(asked) : null]);
    this.#hold(session_id, told);
    if (again !== null) {
      this.#hold(session_id, again);
      this.#tree.figures.repeats += 1;
      if (!isStop(told) && !isStop(again) && isTwice(told, again)) {
        throw new Error(`${asked.key} was decided twice: ${told.decision_id}, ${again.decision_id}`);
      }
    }
    if (told.decision === "terminate") {
      this.#tree.live.delete(session_id);
    } else if (told.policy_id === "__session_paused") {
      await pause(10);
    } else if (told.policy_id === "__budget_reserved") {
      this.#tree.figures.blocked_by_reserved += 1;
    }
    if (told.decision === "allow" && how >= 3 && how < 9) {
      this.#open.push({ decision_id: told.decision_id, estimate: amounts });
    }
  }

  /** Most ask for no more than is left, as far as they know; so many of them meet at the limit. */
  #affordable(session_id: string): Amounts {
    const [tokens, micros] = [this.#below(40), this.#below(50_000)];
    const left = this.#left.get(session_id);
    if (left === undefined || this.#chance(0.02)) {
      return { tokens, micros };
    }
    // One too many fits but for what others hold: a limit that gave way by one would show it.
    const more = this.#chance(0.05) ? 1 : 0;
    return {
      tokens: Math.min(tokens, left.tokens) + more,
      micros: Math.min(micros, left.cost_usd_micros) + more,
    };
  }

  async #close({ decision_id, estimate }: Open): Promise<void> {
    const { figures } = this.#tree;
    if (this.#chance(0.1)) {
      figures.forgotten += 1;
      return;
    }
    let asked: Asked = { do: "cancel", decision_id };
    if (this.#chance(0.75)) {
      const share = this.#chance(0.2) ? 1 + 2 * this.#random() : this.#random();
      const { tokens, micros } = estimate;
      const cost = costOf({ tokens: Math.round(tokens * share), micros: Math.round(micros * share) });
      asked = { do: "settle", decision_id, cost };
      figures.settles += 1;
    } else {
      figures.cancels += 1;
    }
    const told = await this.#ask(asked);
    if (this.#chance(0.2)) {
      const again = await this.#ask(asked);
      figures.repeats += 1;
      if (again.code !== told.code) {
        throw new Error(
          `a repeat of ${JSON.stringify(asked)} was answered ${again.code}, before ${told.code}`,
        );
      }
    }
    // It may have lapsed while the server was away.
    if (told.code !== null && told.code !== "reservation_closed") {
      throw new Error(`${JSON.stringify(asked)} was answered ${told.code}`);
    }
  }

  /** Asks until there is an answer. */
  async #ask(asked: Asked): Promise<Told> {
    const deadline_ms = performance.now() + patience_ms;
    for (;;) {
      const told = await this.#way.ask(asked);
      if (told !== null) {
        this.#tree.figures.answers += 1;
        return told;
      }
      this.#tree.figures.unanswered += 1;
      if (performance.now() > deadline_ms) {
        throw new Error(`${JSON.stringify(asked)} was not answered for ${patience_ms} ms`);
      }
      await pause(20 + this.#below(100));
    }
  }

  /** An answer to an intercept passes no limit of its session. */
  #hold(session_id: string, { code, consumed, held, left }: Told): void {
    if (code !== null || consumed === null || left === null) {
      throw new Error(`an intercept of ${session_id} was answered ${code}`);
    }
    this.#left.set(session_id, left);
    const bounds = this.#tree.bounds.get(session_id);
    const all: Counts = { actions: 0, ...held };
    for (const unit of units) {
      const bound = bounds?.[unit] ?? null;
      if (bound !== null && consumed[unit] + all[unit] > bound) {
        throw new Error(
          `${consumed[unit]} and ${all[unit]} ${unit} of ${session_id} were answered, of ${bound}`,
        );
      }
    }
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }
}

/** A verdict that is the session's own, and no decision on this action: a repeat may get it in place of the first. */
function isStop({ decision, policy_id }: Told): boolean {
  return decision === "terminate" || policy_id === "__session_paused";
}

/** Whether one action was decided twice while its key was kept: the newest of each session are. */
function isTwice(one: Told, other: Told): boolean {
  const [first, second] = [one, other].map(({ decision_id }) => sequenceOf("enf", decision_id) ?? 0);
  const apart = Math.abs((first as number) - (second as number));
  return apart > 0 && apart < limits.session_repeats;
}

function costOf({ tokens, micros }: Amounts): Cost {
  return { tokens, cost_usd: printUsd(micros) };
}
