/**
 * How far each stop is at each session that it names, as it is sealed: a row for each, in the order in
 * which they were named, and their sums as a row that is added to; so a look at a stop of ten thousand
 * sessions costs one row. A stop's id leads to the entry that made it: the order, or the session's own.
 */
import type { Event, StopReason } from "../core/event.js";
import { haltAt, progressOf } from "../core/halt.js";
import { sequenceOf } from "../core/ids.js";
import type { HaltProgress } from "../core/session-parts.js";
import type { Session } from "../core/state.js";
import type { DerivedRows } from "./derived.js";
import { sortable } from "./sortable.js";

/** One session's part in a stop. Times are engine time. */
export interface HaltPart {
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly stop_reason: StopReason | null;
  readonly requested_at: number;
  readonly progress: HaltProgress;
}

/** At how many sessions a stop has come how far; each counts in every step that it has reached. */
export interface HaltCounts {
  readonly requested: number;
  readonly delivered: number;
  readonly acknowledged: number;
  readonly confirmed: number;
  /** Of those, nobody has confirmed since. */
  readonly unconfirmed: number;
}

type Counted = Extract<Event, { halt_id: string; session_id: string }>;

const part_rows = "p!";
const sum_rows = "n!";
const parts_read_at_once = 512;

export class HaltParts {
  readonly #rows: DerivedRows;

  constructor(rows: DerivedRows) {
    this.#rows = rows;
  }

  /**
   * Counts a sealed event.
   *
   * @param session the one that it is about, with what the event did to it
   */
  count(event: Event, session: Session | undefined): void {
    if (!("halt_id" in event && "session_id" in event) || session === undefined) {
      return;
    }
    const halt = haltAt(session);
    const order = sequenceOf("halt", event.halt_id);
    if (halt?.halt_id !== event.halt_id || order === null) {
      return;
    }
    const { session_id, agent_id } = session;
    const { stop_reason, at: requested_at } = halt;
    const progress = progressOf(session);
    const part: HaltPart = { session_id, agent_id, stop_reason, requested_at, progress };
    this.#rows.put(partKey(order, halt.sequence), JSON.stringify(part));
    this.#rows.add(sum_rows + sortable(order), stepsBy(event, progress));
  }

  /** The sessions of a stop that were named at an index above `after`, in the order of the log. */
  async *parts(halt_id: string, after = -1): AsyncGenerator<readonly [number, HaltPart], void, undefined> {
    const halt = sequenceOf("halt", halt_id);
    if (halt === null) {
      return;
    }
    const end = `${part_rows}${sortable(halt)}!~`;
    for (let from = partKey(halt, after + 1); ; ) {
      const rows = await this.#rows.ascending(from, end, parts_read_at_once);
      for (const [key, row] of rows) {
        yield [Number.parseInt(key.slice(-12), 16), JSON.parse(row) as HaltPart];
      }
      if (rows.length < parts_read_at_once) {
        return;
      }
      from = `${rows.at(-1)?.[0]}\0`;
    }
  }

  /** How far a stop is as it is sealed. */
  async counts(halt_id: string): Promise<HaltCounts> {
    const halt = sequenceOf("halt", halt_id);
    await this.#rows.settle();
    const row = halt === null ? null : await this.#rows.get(sum_rows + sortable(halt));
    const sums = row === null ? [] : (JSON.parse(row) as number[]);
    const [requested = 0, delivered = 0, acknowledged = 0, confirmed = 0, unconfirmed = 0] = sums;
    return { requested, delivered, acknowledged, confirmed, unconfirmed };
  }
}

function partKey(halt: number, stop: number): string {
  return `${part_rows}${sortable(halt)}!${sortable(stop)}`;
}

/** What an event adds to the counts, in their order. Who says that it has stopped has been told to. */
function stepsBy(event: Counted, progress: HaltProgress): readonly number[] {
  const was_unconfirmed = progress.unconfirmed_at !== null;
  const knew_by_then = progress.unconfirmed_why === "deadline";
  switch (event.event) {
    case "halt_acknowledged":
      return [0, was_unconfirmed && knew_by_then ? 0 : 1, 1, 0, 0];
    case "halt_confirmed": {
      const acknowledged = progress.acknowledged_at !== null;
      const delivered = acknowledged || (was_unconfirmed && knew_by_then);
      return [0, delivered ? 0 : 1, acknowledged ? 0 : 1, 1, was_unconfirmed ? -1 : 0];
    }
    case "halt_unconfirmed":
      return [0, progress.acknowledged_at === null && knew_by_then ? 1 : 0, 0, 0, 1];
    default:
      return [1, 0, 0, 0, 0];
  }
}
