/**
 * How much was sealed since a time: decisions by verdict, their latency, stops by kind. Counted by
 * the minute, the hour and the day, for the workspace, for each agent and for each key, as rows that
 * are added to; so an answer costs at most a row for each minute of an hour, each hour of a day and
 * each day since, however many decisions there were.
 */
import type { Event } from "../core/event.js";
import type { Verdict } from "../core/event-parts.js";
import type { Session } from "../core/state.js";
import type { DerivedRows } from "./derived.js";

/** Whose figures: everybody's, those of one agent, or of what one key asked for and started. */
export type Owner =
  | { readonly kind: "all" }
  | { readonly kind: "agent"; readonly agent_id: string }
  | { readonly kind: "key"; readonly key_id: string };

/** What is counted: decisions by verdict, microseconds of all of them, sessions by how they stopped. */
export type Figures = Readonly<Record<Member, number>>;

type Member = Verdict | "latency_us" | "killed" | "expired" | "ended";

const members: readonly Member[] = [
  ...(["allow", "block", "escalate", "terminate", "latency_us"] as const),
  ...(["killed", "expired", "ended"] as const),
];

/** The finest step, in milliseconds: every time is cut down to it. */
export const figure_step_ms = 60_000;
const hour_ms = 60 * figure_step_ms;
const day_ms = 24 * hour_ms;

const levels = [
  { name: "m", span_ms: figure_step_ms },
  { name: "h", span_ms: hour_ms },
  { name: "d", span_ms: day_ms },
] as const;

const figure_rows = "f!";
const all: Owner = { kind: "all" };

export class FigureRows {
  readonly #rows: DerivedRows;
  /** Counts of the minute in progress that no row has yet: a decision costs no text and no row. */
  #minute = 0;
  #all = nothing();
  #agents = new Map<string, number[]>();
  #keys = new Map<string, number[]>();

  constructor(rows: DerivedRows) {
    this.#rows = rows;
    rows.beforeWrite(() => this.#hand());
  }

  /**
   * Counts a sealed event.
   *
   * @param session the one that it is about, if any
   * @param agent_id the agent in whose figures it counts, if any
   */
  count(event: Event, session: Session | undefined, agent_id: string | null): void {
    const minute = Math.floor(event.at / figure_step_ms);
    if (minute !== this.#minute) {
      this.#hand();
      this.#minute = minute;
    }
    switch (event.event) {
      case "enforcement_decision": {
        this.#add(members.indexOf(event.decision), 1, agent_id, event.actor.key_id);
        this.#add(latency, event.latency_us, agent_id, event.actor.key_id);
        return;
      }
      case "session_killed":
      case "session_expired":
      case "session_ended": {
        const member = members.indexOf(event.event.slice("session_".length) as Member);
        this.#add(member, 1, agent_id, session?.started_by ?? null);
        return;
      }
      default:
    }
  }

  /** What was sealed since a time, which is cut down to its minute, for some owners together. */
  async since(at: number, owners: readonly Owner[]): Promise<Figures> {
    const from = Math.floor(at / figure_step_ms) * figure_step_ms;
    const whole_hours = Math.ceil(from / hour_ms) * hour_ms;
    const whole_days = Math.ceil(whole_hours / day_ms) * day_ms;
    const sum = nothing();
    const ends = [from, whole_hours, whole_days, Number.POSITIVE_INFINITY] as const;
    for (const owner of owners) {
      for (const [i, level] of levels.entries()) {
        const first = key(owner, level.name, (ends[i] as number) / level.span_ms);
        const last = key(owner, level.name, (ends[i + 1] as number) / level.span_ms);
        if (first !== last) {
          for await (const [, row] of this.#rows.descending(first, last)) {
            addTo(sum, JSON.parse(row) as number[]);
          }
        }
      }
    }
    return Object.fromEntries(members.map((member, i) => [member, sum[i] as number])) as Figures;
  }

  #add(member: number, count: number, agent_id: string | null, key_id: string | null): void {
    this.#all[member] = (this.#all[member] as number) + count;
    if (agent_id !== null) {
      const tally = tallyIn(this.#agents, agent_id);
      tally[member] = (tally[member] as number) + count;
    }
    if (key_id !== null) {
      const tally = tallyIn(this.#keys, key_id);
      tally[member] = (tally[member] as number) + count;
    }
  }

  /** Hands what is counted to the rows. */
  #hand(): void {
    if (this.#all.every((count) => count === 0)) {
      return;
    }
    this.#put(all, this.#all);
    for (const [agent_id, tally] of this.#agents) {
      this.#put({ kind: "agent", agent_id }, tally);
    }
    for (const [key_id, tally] of this.#keys) {
      this.#put({ kind: "key", key_id }, tally);
    }
    this.#all = nothing();
    this.#agents = new Map();
    this.#keys = new Map();
  }

  #put(owner: Owner, tally: readonly number[]): void {
    for (const { name, span_ms } of levels) {
      this.#rows.add(key(owner, name, Math.floor((this.#minute * figure_step_ms) / span_ms)), tally);
    }
  }
}

const latency = members.indexOf("latency_us");

function nothing(): number[] {
  return members.map(() => 0);
}

function tallyIn(tallies: Map<string, number[]>, id: string): number[] {
  let tally = tallies.get(id);
  if (tally === undefined) {
    tally = nothing();
    tallies.set(id, tally);
  }
  return tally;
}

function addTo(sum: number[], more: readonly number[]): void {
  for (const [i, count] of more.entries()) {
    sum[i] = (sum[i] ?? 0) + count;
  }
}

/** Sorts by its place; ids hold no control characters, so that no owner's rows stand among another's. */
function key(owner: Owner, level: string, place: number): string {
  const id = owner.kind === "all" ? "" : owner.kind === "agent" ? owner.agent_id : owner.key_id;
  const digits = Number.isFinite(place) ? place.toString(16).padStart(12, "0") : "~";
  return `${figure_rows}${owner.kind}\0${id}\0${level}${digits}`;
}
