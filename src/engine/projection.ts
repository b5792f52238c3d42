/**
 * What readers see: sealed facts only. A second state, evolved by sealed events with the rules of
 * the first, holds what is live; sessions that stopped and rows of decisions are kept on disk.
 */
import type { Event } from "../core/event.js";
import { evolve } from "../core/evolve.js";
import { speaksForAgent } from "../core/evolve-session.js";
import { sequenceOf } from "../core/ids.js";
import { pathFromRoot } from "../core/scope.js";
import { emptyState, type Session, type State } from "../core/state.js";
import { limits } from "../limits.js";
import { isAnnounced } from "./announced.js";
import type { DerivedRows } from "./derived.js";
import { EscalationRows } from "./escalation-rows.js";
import { FigureRows } from "./figures.js";
import { HaltParts } from "./halt-parts.js";
import { copyOf } from "./session-copy.js";
import { sortable } from "./sortable.js";

/** What is listed of a decision without reading its entry. */
export interface DecisionRow {
  readonly sequence: number;
  readonly decision: string;
  readonly action_type: string;
  readonly agent_id: string | null;
  readonly session_id: string | null;
  readonly key_id: string | null;
}

/** Where a halt stands in the log. */
export interface HaltRow {
  readonly sequence: number;
  /** Index of the entry that lifted it, or null. */
  readonly lifted_sequence: number | null;
}

function haltRow(sequence: number, row: string): HaltRow {
  return { sequence, lifted_sequence: row === "" ? null : Number.parseInt(row, 16) };
}

const session_rows = "s!";
const id_rows = "i!";
const stop_rows = "t!";
const decision_rows = "d!";
const halt_rows = "h!";
const announced_rows = "a!";
const settlement_rows = "r!";

export class Projection {
  /** Read it, never change it. */
  readonly state: State;
  readonly figures: FigureRows;
  readonly halt_parts: HaltParts;
  readonly escalations: EscalationRows;
  readonly #rows: DerivedRows;
  #rows_through = 0;

  /** @param state of the entries that have come by already */
  constructor(rows: DerivedRows, state: State = emptyState()) {
    this.state = state;
    this.#rows = rows;
    this.figures = new FigureRows(rows);
    this.halt_parts = new HaltParts(rows);
    this.escalations = new EscalationRows(rows);
  }

  /** Finds out which rows are there already; then every event of the log has to come by. */
  async open(): Promise<void> {
    this.#rows_through = await this.#rows.open();
  }

  /** Number of entries whose rows were there when this was opened. */
  get rows_through(): number {
    return this.#rows_through;
  }

  /** Number of sealed entries that are told. */
  get size(): number {
    return this.state.next_sequence;
  }

  /** Takes in sealed events, in order. */
  onSealed(events: readonly Event[]): void {
    for (const event of events) {
      const sequence = this.state.next_sequence;
      evolve(this.state, event);
      if (sequence >= this.#rows_through) {
        this.#putRows(event, sequence);
      }
    }
    this.#rows.advance(Math.max(this.size, this.#rows_through));
  }

  /** A session that was ever started, as it is now, or null. The answer is the caller's own copy. */
  async session(session_id: string): Promise<Session | null> {
    const live = this.state.sessions.get(session_id);
    if (live !== undefined) {
      return copyOf(live);
    }
    const start = await this.#rows.get(id_rows + session_id);
    const row = start === null ? null : await this.#rows.get(session_rows + start);
    return row === null ? null : (JSON.parse(row) as Session);
  }

  /** Active sessions, then those that are held, newest start first in each. */
  liveSessions(): readonly Session[] {
    const active: Session[] = [];
    const paused: Session[] = [];
    for (const session of this.state.sessions.values()) {
      if (session.stop === null) {
        (session.pause === null ? active : paused).push(session);
      }
    }
    return [...active.reverse(), ...paused.reverse()];
  }

  /** Stopped sessions that started below an index, newest start first. */
  async *stoppedSessions(below: number): AsyncGenerator<Session, void, undefined> {
    for await (const [, row] of this.#rows.descending(session_rows, session_rows + sortable(below))) {
      yield JSON.parse(row) as Session;
    }
  }

  /** At most `limit` sessions that stopped at `after` < index <= `through`, in the order of their stops. */
  async stopsBetween(after: number, through: number, limit: number): Promise<readonly Session[]> {
    const from = stop_rows + sortable(after + 1);
    const starts = await this.#rows.ascending(from, stop_rows + sortable(through + 1), limit);
    const rows = await Promise.all(starts.map(([, start]) => this.#rows.get(session_rows + start)));
    return rows.flatMap((row) => (row === null ? [] : [JSON.parse(row) as Session]));
  }

  /** Rows of decisions below an index, newest first. */
  async *decisions(below: number): AsyncGenerator<DecisionRow, void, undefined> {
    for await (const [key, row] of this.#rows.descending(decision_rows, decision_rows + sortable(below))) {
      const [decision, action_type, agent_id, session_id, key_id] = JSON.parse(row);
      const sequence = Number.parseInt(key.slice(decision_rows.length), 16);
      yield { sequence, decision, action_type, agent_id, session_id, key_id };
    }
  }

  /** Halts below an index, newest first. */
  async *halts(below: number): AsyncGenerator<HaltRow, void, undefined> {
    for await (const [key, row] of this.#rows.descending(halt_rows, halt_rows + sortable(below))) {
      yield haltRow(Number.parseInt(key.slice(halt_rows.length), 16), row);
    }
  }

  /** The halt that the entry at an index ordered, or null. */
  async halt(sequence: number): Promise<HaltRow | null> {
    const row = await this.#rows.get(halt_rows + sortable(sequence));
    return row === null ? null : haltRow(sequence, row);
  }

  /** Indexes >= `from` of entries that are announced, lowest first, at most `limit`. */
  async announced(from: number, limit: number): Promise<readonly number[]> {
    const end = announced_rows + sortable(limits.sequence_max);
    const rows = await this.#rows.ascending(announced_rows + sortable(from), end, limit);
    return rows.map(([key]) => Number.parseInt(key.slice(announced_rows.length), 16));
  }

  /** Index of the entry that ended the reservation of a decision; null while it is open, or where there was none. */
  async settlement(decision_id: string): Promise<number | null> {
    const decision = sequenceOf("enf", decision_id);
    const row = decision === null ? null : await this.#rows.get(settlement_rows + sortable(decision));
    return row === null ? null : Number.parseInt(row, 16);
  }

  /** A session and its parents: those whose totals an action of it changes. */
  ancestry(session_id: string): readonly string[] {
    const session = this.state.sessions.get(session_id);
    return session === undefined
      ? []
      : pathFromRoot(this.state, session).map((ancestor) => ancestor.session_id);
  }

  /** Forgets what is derived from entries that the log does not have. */
  async forgetRows(): Promise<void> {
    await this.#rows.clear();
    this.#rows_through = 0;
  }

  /** Everything told so far is there for lists. */
  settle(): Promise<void> {
    return this.#rows.settleMark();
  }

  /** The agent in whose figures an event counts. */
  #countedAgent(event: Event): string | null {
    const agent_id = "agent_id" in event ? event.agent_id : null;
    const counts = event.event !== "enforcement_decision" || speaksForAgent(this.state, event);
    return counts ? agent_id : null;
  }

  #putRows(event: Event, sequence: number): void {
    const of_session = "session_id" in event && event.session_id !== null ? event.session_id : null;
    const session = of_session === null ? undefined : this.state.sessions.get(of_session);
    this.figures.count(event, session, this.#countedAgent(event));
    this.halt_parts.count(event, session);
    this.escalations.put(event, sequence, this.state);
    if (event.event === "enforcement_decision") {
      const { decision, action_type, agent_id, session_id, actor } = event;
      const row = JSON.stringify([decision, action_type, agent_id, session_id, actor.key_id]);
      this.#rows.put(decision_rows + sortable(sequence), row);
    }
    if (isAnnounced(event.event)) {
      this.#rows.put(announced_rows + sortable(sequence), "");
    }
    if (event.event === "halt_requested") {
      this.#rows.put(halt_rows + sortable(sequence), "");
    } else if (event.event === "halt_lifted") {
      this.#rows.put(halt_rows + sortable(sequenceOf("halt", event.halt_id) ?? 0), sortable(sequence));
    }
    if (event.event === "reservation_settled") {
      const decision = sequenceOf("enf", event.decision_id) ?? 0;
      this.#rows.put(settlement_rows + sortable(decision), sortable(sequence));
      for (const ancestor of this.ancestry(event.session_id)) {
        this.#putStopped(this.state.sessions.get(ancestor));
      }
    } else {
      this.#putStopped(session);
    }
  }

  #putStopped(session: Session | undefined): void {
    if (session !== undefined && session.stop !== null) {
      const start = sortable(session.start_sequence);
      this.#rows.put(session_rows + start, JSON.stringify(session));
      this.#rows.put(id_rows + session.session_id, start);
      this.#rows.put(stop_rows + sortable(session.stop.sequence), start);
    }
  }
}
