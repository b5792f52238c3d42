/**
 * What is listed of escalations: one row as each is opened, and one as it is resolved and used. An
 * escalation's id leads to the entry that opened it.
 */
import type { Escalation } from "../core/escalation-parts.js";
import type { Event } from "../core/event.js";
import type { Resolution } from "../core/event-escalation.js";
import type { Amounts } from "../core/event-parts.js";
import { sequenceOf } from "../core/ids.js";
import type { State } from "../core/state.js";
import type { DerivedRows } from "./derived.js";
import { sortable } from "./sortable.js";

/** An escalation as it was opened. */
interface Opened {
  readonly escalation_id: string;
  readonly decision_id: string;
  readonly session_id: string | null;
  readonly agent_id: string | null;
  /** The key that asked for the action. */
  readonly asked_by: string | null;
  readonly opened_at: number;
  readonly expires_at: number;
  /** What the action asked to be charged, or held. */
  readonly cost: Amounts | null;
  readonly estimate: Amounts | null;
}

/** How it was resolved. */
export interface Resolved {
  readonly resolution: Resolution;
  readonly at: number;
  /** Null where nobody answered. */
  readonly by: string | null;
  readonly reason: string | null;
  readonly unseen: boolean;
}

export interface EscalationRow extends Opened {
  /** Index of the entry that opened it; that of the decision is the one before. */
  readonly sequence: number;
  readonly resolved: Resolved | null;
  /** The decision that used its approval. */
  readonly used_by: string | null;
}

const opened_rows = "e!";
const resolved_rows = "r!";
const used_rows = "u!";
/** By the index of the entry that resolved it. */
const resolution_rows = "v!";

export class EscalationRows {
  readonly #rows: DerivedRows;

  constructor(rows: DerivedRows) {
    this.#rows = rows;
  }

  /** Takes in a sealed event, which the state holds already. */
  put(event: Event, sequence: number, state: Readonly<State>): void {
    switch (event.event) {
      case "escalation_opened": {
        const pending = state.escalations.get(event.escalation_id);
        if (pending !== undefined) {
          this.#rows.put(opened_rows + sortable(sequence), JSON.stringify(openedOf(pending)));
        }
        return;
      }
      case "escalation_resolved": {
        const { escalation_id, resolution, at, actor, reason, unseen = false } = event;
        const place = sortable(sequenceOf("esc", escalation_id) ?? 0);
        const resolved: Resolved = { resolution, at, by: actor.key_id, reason, unseen };
        this.#rows.put(resolved_rows + place, JSON.stringify(resolved));
        this.#rows.put(resolution_rows + sortable(sequence), place);
        return;
      }
      case "enforcement_decision":
        if (event.decision === "allow" && event.escalation_id !== null) {
          const place = sortable(sequenceOf("esc", event.escalation_id) ?? 0);
          this.#rows.put(used_rows + place, event.decision_id);
        }
        return;
      default:
    }
  }

  /** The escalation of an id, as it is now, or null. */
  async named(escalation_id: string): Promise<EscalationRow | null> {
    const sequence = sequenceOf("esc", escalation_id);
    const row = sequence === null ? null : await this.#rows.get(opened_rows + sortable(sequence));
    return sequence === null || row === null ? null : this.#whole(sequence, row);
  }

  /** Those that were opened below an index, newest first. */
  async *below(sequence: number): AsyncGenerator<EscalationRow, void, undefined> {
    for await (const [key, row] of this.#rows.descending(opened_rows, opened_rows + sortable(sequence))) {
      yield await this.#whole(Number.parseInt(key.slice(opened_rows.length), 16), row);
    }
  }

  /** At most `limit` that were resolved at `after` < index <= `through`, in that order, with that index. */
  async resolvedBetween(
    after: number,
    through: number,
    limit: number,
  ): Promise<readonly { readonly at: number; readonly row: EscalationRow }[]> {
    const from = resolution_rows + sortable(after + 1);
    const found = await this.#rows.ascending(from, resolution_rows + sortable(through + 1), limit);
    const all = found.map(async ([key, place]) => {
      const opened = await this.#rows.get(opened_rows + place);
      const at = Number.parseInt(key.slice(resolution_rows.length), 16);
      return opened === null ? null : { at, row: await this.#whole(Number.parseInt(place, 16), opened) };
    });
    return (await Promise.all(all)).filter((each) => each !== null);
  }

  async #whole(sequence: number, row: string): Promise<EscalationRow> {
    const place = sortable(sequence);
    const resolved = await this.#rows.get(resolved_rows + place);
    const used_by = resolved === null ? null : await this.#rows.get(used_rows + place);
    return {
      ...(JSON.parse(row) as Opened),
      sequence,
      resolved: resolved === null ? null : (JSON.parse(resolved) as Resolved),
      used_by,
    };
  }
}

function openedOf(escalation: Escalation): Opened {
  const { escalation_id, decision_id, session_id, agent_id, asked_by } = escalation;
  const { opened_at, expires_at, cost, estimate } = escalation;
  return {
    escalation_id,
    decision_id,
    session_id,
    agent_id,
    asked_by,
    opened_at,
    expires_at,
    cost,
    estimate,
  };
}
