/** What a replay of policies comes to: sums of bounded size, and the first decisions that would change. */
import type { PolicyTriggered, Verdict } from "../core/event-parts.js";
import type { ReplayedDecision, Standing } from "./policy-replay.js";

export interface TallyBounds {
  /** Agents and sessions that are counted by themselves; more are counted together. */
  readonly replay_groups: number;
}

/** What one candidate does. */
export interface PolicySum {
  /** Decisions on which it would have had a say, and those among them that would change. */
  readonly triggered: number;
  readonly changed: number;
  /** Decisions that it is about and that it could not be asked about. */
  readonly not_judged: number;
}

/** Changes of one agent or one session. */
export interface GroupSum {
  readonly changed: number;
  readonly by_change: ReadonlyMap<string, number>;
}

type Counts = Map<string, number>;

export class ReplayTally {
  decisions = 0;
  changed = 0;
  /** Decisions that a candidate which could not be asked might have made stricter. */
  uncertain = 0;
  readonly before: Counts = new Map();
  readonly after: Counts = new Map();
  /** By `before -> after`, of decisions that change. */
  readonly changes: Counts = new Map();
  readonly standings: Counts = new Map();
  readonly by_agent = new Map<string, { changed: number; by_change: Counts }>();
  readonly by_session = new Map<string, { changed: number; by_change: Counts }>();
  readonly listed: ReplayedDecision[] = [];
  readonly #policies = new Map<string, { triggered: number; changed: number; not_judged: number }>();
  readonly #bounds: TallyBounds;
  readonly #listed_max: number;

  /** @param listed_max decisions that are kept one by one */
  constructor(listed_max: number, bounds: TallyBounds) {
    this.#listed_max = listed_max;
    this.#bounds = bounds;
  }

  take(decision: ReplayedDecision): void {
    const { before, after, standing } = decision;
    this.decisions += 1;
    add(this.before, before);
    add(this.after, after ?? "unknown");
    add(this.standings, standing satisfies Standing);
    const is_change = after !== before;
    for (const { policy_id } of each(decision.triggered, decision.shadowed)) {
      this.#policy(policy_id).triggered += 1;
    }
    for (const policy_id of decision.not_judged) {
      this.#policy(policy_id).not_judged += 1;
    }
    if (decision.not_judged.length > 0 && after !== "terminate") {
      this.uncertain += 1;
    }
    if (is_change) {
      this.#change(decision, `${before} -> ${after ?? "unknown"}`);
    }
  }

  /** Of one candidate. */
  of(policy_id: string): PolicySum {
    return this.#policies.get(policy_id) ?? { triggered: 0, changed: 0, not_judged: 0 };
  }

  #change(decision: ReplayedDecision, change: string): void {
    this.changed += 1;
    add(this.changes, change);
    // Who has a say in a change is who is the reason for it: of several the strictest, which is named first.
    const [reason] = decision.triggered;
    if (reason !== undefined && decision.standing === "judged") {
      this.#policy(reason.policy_id).changed += 1;
    }
    this.#group(this.by_agent, decision.agent_id, change);
    this.#group(this.by_session, decision.session_id, change);
    if (this.listed.length < this.#listed_max) {
      this.listed.push(decision);
    }
  }

  #group(groups: ReplayTally["by_agent"], id: string | null, change: string): void {
    const key =
      id !== null && !groups.has(id) && groups.size >= this.#bounds.replay_groups ? others : (id ?? none);
    let group = groups.get(key);
    if (group === undefined) {
      group = { changed: 0, by_change: new Map() };
      groups.set(key, group);
    }
    group.changed += 1;
    add(group.by_change, change);
  }

  #policy(policy_id: string) {
    let sum = this.#policies.get(policy_id);
    if (sum === undefined) {
      sum = { triggered: 0, changed: 0, not_judged: 0 };
      this.#policies.set(policy_id, sum);
    }
    return sum;
  }
}

/** Stand for those that have no id of their own in a sum; no id looks like these. */
export const none = "(none)";
export const others = "(others)";

function each(triggered: readonly PolicyTriggered[], shadowed: readonly PolicyTriggered[]) {
  return [...triggered, ...shadowed];
}

function add(counts: Counts, key: Verdict | string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
