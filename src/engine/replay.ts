/** From a log to the state that it is (vault-format.md, 7, start step 6). */
import { evolve } from "../core/evolve.js";
import { setOf } from "../core/policy/set.js";
import { emptyState, type State } from "../core/state.js";
import type { StoredEntry } from "../vault/journal.js";
import { fromContent } from "./content.js";
import type { DerivedRows } from "./derived.js";
import { Memory } from "./memory.js";
import { Projection } from "./projection.js";
import { snapshotText, stateOf } from "./snapshot.js";

/** A log as a replay reads it. */
export interface SealedLog {
  head(): { readonly size: number };
  readonly snapshots: {
    /** What its first entries come to, if something genuine tells. */
    readonly used: { readonly size: number; readonly state: string } | null;
    /** It is of no use: all entries below it are checked now. */
    forget(): Promise<void>;
    /** Whether another is worth while at this size. */
    isWorthWhile(size: number): boolean;
  };
  /** Keeps what all entries so far come to, and seals its digest; nothing else may be sealed meanwhile. */
  keepSnapshot(state: string): Promise<void>;
  read(from: number, limit: number): AsyncIterable<StoredEntry>;
}

/** What a replay has made of a log. */
export interface Replayed {
  readonly state: State;
  readonly projection: Projection;
  readonly memory: Memory;
}

/**
 * Evolves the state of a log anew, entry by entry, from its snapshot on if it has one; rows that are
 * missing are written again.
 *
 * @param stopped_sessions that stay in memory
 */
export async function replay(log: SealedLog, rows: DerivedRows, stopped_sessions: number): Promise<Replayed> {
  const { state, projection, from } = await begin(log, rows);
  const memory = new Memory(state, projection, stopped_sessions);
  const take = async (first: number) => {
    for await (const entry of log.read(first, log.head().size - first)) {
      const event = fromContent(entry.content, entry.details, entry.sequence_number);
      await memory.recall(event);
      evolve(state, event);
      projection.onSealed([event]);
      memory.evict();
    }
    await projection.settle();
  };
  await take(from);
  const { size } = log.head();
  if (log.snapshots.isWorthWhile(size)) {
    // The next start need not do all this again, however this process ends.
    await log.keepSnapshot(snapshotText(state));
    await take(size);
  }
  // Made ready now, and not while the first agent waits.
  setOf(state.policies);
  return { state, projection, memory };
}

/** What to replay on, and from which entry. */
async function begin(
  log: SealedLog,
  rows: DerivedRows,
): Promise<Omit<Replayed, "memory"> & { readonly from: number }> {
  const snapshot = log.snapshots.used;
  const [state, sealed] =
    snapshot === null ? [null, null] : [stateOf(snapshot.state), stateOf(snapshot.state)];
  const through = await rows.open();
  // Lists are made of rows: where those of the entries below are missing, the entries have to come by.
  const is_of_use = snapshot !== null && through >= snapshot.size && through <= log.head().size;
  if (state !== null && sealed !== null && is_of_use && state.next_sequence === snapshot.size) {
    const projection = new Projection(rows, sealed);
    await projection.open();
    return { state, projection, from: snapshot.size };
  }
  if (snapshot !== null) {
    await log.snapshots.forget();
  }
  const projection = new Projection(rows);
  await projection.open();
  if (projection.rows_through > log.head().size) {
    await projection.forgetRows();
  }
  return { state: emptyState(), projection, from: 0 };
}
