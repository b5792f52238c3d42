/** Commands as the log takes them: whole where they fit one write, so that no crash cuts them. */
import type { Command } from "../core/command.js";
import type { Event } from "../core/event.js";
import { limits } from "../limits.js";
import { CanonicalError } from "../vault/canonical.js";
import { type Prepared, prepare, type Staged, storedBytesMax } from "../vault/chain.js";
import type { SealedEntry } from "../vault/entry.js";

import { toContent } from "./content.js";
import { EngineFault } from "./fault.js";
import type { Lane } from "./lanes.js";
import type { Outcome } from "./outcome.js";

/** What is common to the entries of one command. */
export interface Sealing {
  readonly salt: () => string;
  /** Canonical details of its decision, if it has one. */
  readonly details: string | null;
}

/** A command that was decided and whose caller waits for its answer. */
export interface Waiting extends Outcome {
  readonly lane: Lane;
  readonly command: Command["type"];
  /** performance.now() when the command came in. */
  readonly submitted_ms: number;
  readonly sealing: Sealing;
  /** What is durable of it so far. */
  readonly entries: SealedEntry[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** What of a command goes into one write: all of it, but for an order wider than a batch. */
export interface Piece {
  readonly of: Waiting;
  readonly events: readonly Event[];
  /** Index that its first entry must have. */
  readonly sequence: number;
  /** Whether the command is sealed with it. */
  readonly last: boolean;
  /** Made when its turn comes, but for the first piece: that is made before the command takes effect. */
  prepared: readonly Prepared[] | null;
  staged: Staged | null;
}

/**
 * The canonical entries of the events that fit one write.
 *
 * @throws {EngineFault} invalid_argument: they cannot be sealed
 */
export function prepareFirst(events: readonly Event[], sealing: Sealing): readonly Prepared[] {
  try {
    return prepareAll(events.slice(0, limits.batch_entries), sealing);
  } catch (error) {
    if (error instanceof CanonicalError || error instanceof RangeError) {
      throw new EngineFault("invalid_argument", `this cannot be sealed: ${error.message}`, null, error);
    }
    throw error;
  }
}

export function prepareAll(events: readonly Event[], { salt, details }: Sealing): readonly Prepared[] {
  return events.map((event) =>
    prepare({
      content: toContent(event, salt()),
      details: event.event === "enforcement_decision" ? details : null,
    }),
  );
}

/**
 * Cuts a command into pieces; nearly always it is one. A command without events has one too. What
 * does not fit one write is cut so small that each piece fits, however long a reason every one of
 * its entries repeats: a write that is refused would stop the process and lose the stop.
 */
export function* piecesOf(
  waiting: Waiting,
  sequence: number,
  first: readonly Prepared[],
): Generator<Piece, void, undefined> {
  const { events } = waiting;
  let to = bytesOf(first) <= limits.batch_bytes ? limits.batch_entries : limits.piece_entries;
  for (let from = 0; from === 0 || from < events.length; from = to, to += limits.piece_entries) {
    yield {
      of: waiting,
      events: events.length <= to && from === 0 ? events : events.slice(from, to),
      sequence: sequence + from,
      last: to >= events.length,
      prepared: from === 0 ? first.slice(0, to) : null,
      staged: null,
    };
  }
}

function bytesOf(prepared: readonly Prepared[]): number {
  return prepared.reduce((sum, one) => sum + storedBytesMax(one), 0);
}

/** How many of the pieces, from the first on, one write of so many entries can take; at least one. */
export function fitting(pieces: readonly Piece[], entries_max: number): number {
  const most = Math.min(entries_max, limits.batch_entries);
  let entries = 0;
  let bytes = 0;
  for (const [count, piece] of pieces.entries()) {
    entries += piece.events.length;
    bytes += bytesOf(piece.prepared ?? []);
    if (count > 0 && (entries > most || bytes > limits.batch_bytes)) {
      return count;
    }
  }
  return pieces.length;
}
