/** From a log to the state that it is (vault-format.md, 7, start step 6). */
import { evolve } from "../core/evolve.js";
import { emptyState, type State } from "../core/state.js";
import type { StoredEntry } from "../vault/journal.js";
import { fromContent } from "./content.js";
import type { DerivedRows } from "./derived.js";
import { Memory } from "./memory.js";
import { Projection } from "./projection.js";

/** A log as a replay reads it. */
export interface SealedLog {
  head(): { readonly size: number };
  read(from: number, limit: number): AsyncIterable<StoredEntry>;
}

/** What a replay has made of a log. */
export interface Replayed {
  readonly state: State;
  readonly projection: Projection;
  readonly memory: Memory;
}

/**
 * Evolves the state of a log anew, entry by entry; rows that are missing are written again.
 *
 * @param stopped_sessions that stay in memory
 */
export async function replay(log: SealedLog, rows: DerivedRows, stopped_sessions: number): Promise<Replayed> {
  const { size } = log.head();
  const state = emptyState();
  const projection = new Projection(rows);
  const memory = new Memory(state, projection, stopped_sessions);
  await projection.open();
  if (projection.rows_through > size) {
    await projection.forgetRows();
  }
  for await (const entry of log.read(0, size)) {
    const event = fromContent(entry.content, entry.details, entry.sequence_number);
    await memory.recall(event);
    evolve(state, event);
    projection.onSealed([event]);
    memory.evict();
  }
  await projection.settle();
  return { state, projection, memory };
}
