/**
 * The one place where commands become facts: stamp, decide, evolve, all in one turn of the event
 * loop; then seal in groups; then answer. A restriction binds at once; a permission leaves only
 * after its entry is durable.
 */
import type { Command, Unstamped } from "../core/command.js";
import { decide } from "../core/decide.js";
import type { Reply } from "../core/decision.js";
import type { Event } from "../core/event.js";
import { evolve } from "../core/evolve.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import type { Prepared, Staged } from "../vault/chain.js";
import type { SealedEntry } from "../vault/entry.js";

import type { Clock } from "./clock.js";
import { EngineFault } from "./fault.js";
import { empty_lanes, type Lane, lane_limits, laneOf } from "./lanes.js";
import type { Leases } from "./leases.js";
import { Loops } from "./loops.js";
import type { Observer } from "./observer.js";
import type { Enclosed, Outcome } from "./outcome.js";
import { fitting, type Piece, piecesOf, prepareAll, prepareFirst, type Sealing } from "./pieces.js";
import { type StampParts, stamp } from "./stamp.js";

/** What the sequencer needs of the vault. */
export interface Sealer {
  /**
   * Gives entries their places and begins to sign them; they are committed in the same order.
   *
   * @param ends whether a command ends with them
   */
  stage(prepared: readonly Prepared[], ends: boolean): Staged;
  /** Durable when it resolves; when it rejects, nobody knows. One call at a time. */
  commit(staged: readonly Staged[]): Promise<readonly SealedEntry[]>;
}

/** Whether commands are taken: not while it stops, and not after the log could not be written. */
export type Standing = "running" | "stopping" | "failed";

interface Write {
  readonly begun_ms: number;
  readonly pieces: readonly Piece[];
  readonly entries: Promise<readonly SealedEntry[]>;
}

export interface SequencerParts {
  /** The decided state: ahead of the log by what is not durable yet. */
  readonly state: State;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** 32 hex digits from a CSPRNG. */
  readonly salt: () => string;
  /** Knows which leases are lost, and is told who was heard. */
  readonly leases: Pick<Leases, "lostBy" | "renew">;
  /** Told of every event in the turn in which it is decided. */
  readonly onDecided: (events: readonly Event[], command: Command) => void;
  /** How long an escalation waits for a person. */
  readonly escalation_ms: number;
  /** Told of every batch when it is durable, in order, before its callers are answered. */
  readonly onSealed: (events: readonly Event[]) => void;
  readonly observer: Observer;
  /** Told once that nothing may go on. */
  readonly onFailed: (error: Error) => void;
}

/** A decision that can be sealed. */
interface Ready extends Pick<Outcome, "reply" | "events"> {
  readonly sealing: Sealing;
  readonly first: readonly Prepared[];
}

export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #stamps: StampParts & { readonly loops: Loops };
  /** Pieces of commands in their order: those that have no place in the log yet, and those that have. */
  readonly #decided: Piece[] = [];
  readonly #staged: Piece[] = [];
  /** Entries of the staged pieces. */
  #ahead = 0;
  readonly #queued: Record<Lane, number> = { ...empty_lanes };
  #flushed: Promise<void> | null = null;
  #stopped: EngineFault | null = null;
  #failed = false;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
    this.#stamps = { ...parts, loops: new Loops(parts.state) };
  }

  get standing(): Standing {
    if (this.#failed) {
      return "failed";
    }
    return this.#stopped === null ? "running" : "stopping";
  }

  /** Commands that wait for the disk. */
  get queued(): Readonly<Record<Lane, number>> {
    return this.#queued;
  }

  /**
   * Decides a command now and answers when everything decided up to here is durable.
   *
   * @throws {EngineFault} overloaded or invalid_argument: nothing was decided; unavailable: what was
   *   decided is unknown
   */
  async submit(unstamped: Unstamped, enclosed: Enclosed = {}): Promise<Outcome> {
    if (this.#stopped !== null) {
      throw this.#stopped;
    }
    const lane = laneOf(unstamped);
    const submitted_ms = performance.now();
    if (this.#queued[lane] >= lane_limits[lane]) {
      throw new EngineFault(
        "overloaded",
        "too many requests are waiting for the disk: nothing was decided, retry",
        1000,
      );
    }
    const sequence = this.#parts.state.next_sequence;
    const stamped = stamp(this.#stamps, unstamped, enclosed);
    const { reply, events, sealing, first } = this.#decide(stamped, enclosed);
    this.#takeEffect(events, stamped);
    this.#hear(stamped, enclosed, reply);
    return new Promise((resolve, reject) => {
      this.#queued[lane] += 1;
      const command = unstamped.type;
      const waiting = { lane, command, submitted_ms, reply, events, sealing, entries: [], resolve, reject };
      this.#decided.push(...piecesOf(waiting, sequence, first));
      this.#stageAhead();
      this.#flushed ??= this.#flush();
    });
  }

  /** Takes no more commands; resolves when those taken are answered. */
  async stop(): Promise<void> {
    this.#stopped ??= new EngineFault("unavailable", "Killcord is stopping: retry", 1000);
    await this.#flushed;
  }

  /**
   * The state may differ from what is on disk: nobody who waits is told a verdict, nothing more is
   * taken, and the process exits for a restart that replays.
   */
  fail(error: Error, unanswered: readonly Piece[] = []): void {
    const first = !this.#failed;
    this.#failed = true;
    if (first) {
      this.#stopped = new EngineFault(
        "unavailable",
        "the log cannot be written: no permission was given, whether it was counted is unknown; retry with the same idempotency key",
        1000,
        error,
      );
    }
    for (const { of } of [...unanswered, ...this.#staged.splice(0), ...this.#decided.splice(0)]) {
      of.reject(this.#stopped as EngineFault);
    }
    if (first) {
      this.#parts.onFailed(error);
    }
  }

  /**
   * What is decided, with its first entries as they will be sealed. A long reason may leave no room
   * for what a client sent with its action: that never costs it the answer (vault-format.md, 2).
   */
  #decide(command: Command, { details = null, brief }: Enclosed): Ready {
    const { state, salt } = this.#parts;
    const { reply, events } = decide(state, command);
    const sealing: Sealing = { salt, details };
    try {
      return { reply, events, sealing, first: prepareFirst(events, sealing) };
    } catch (error) {
      if (brief === undefined || command.type !== "intercept" || !(error instanceof EngineFault)) {
        throw error;
      }
      const { details_digest, ...short } = brief();
      return this.#decide({ ...command, details_digest }, short);
    }
  }

  /** Whoever may act for a session is heard in the turn in which that is taken, however long its seal takes. */
  #hear(command: Command, { renews = false }: Enclosed, reply: Reply): void {
    const session_id = "session_id" in command ? command.session_id : null;
    if (session_id !== null && reply.type !== "refused" && (renews || command.type === "intercept")) {
      this.#parts.leases.renew(session_id, command.at);
    }
  }

  #takeEffect(events: readonly Event[], command: Command): void {
    try {
      for (const event of events) {
        evolve(this.#parts.state, event);
      }
      this.#stamps.loops.onDecided(events);
      this.#parts.onDecided(events, command);
    } catch (error) {
      this.fail(error as Error);
      throw this.#stopped;
    }
  }

  /** Entries are signed while others are still decided or written, but not more than will be soon. */
  #stageAhead(): void {
    try {
      while (this.#decided.length > 0 && this.#ahead < limits.staged_entries) {
        const piece = this.#decided.shift() as Piece;
        this.#staged.push(piece);
        this.#ahead += piece.events.length;
        if (piece.events.length > 0) {
          this.#stage(piece);
        }
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #stage(piece: Piece): void {
    piece.prepared ??= prepareAll(piece.events, piece.of.sealing);
    piece.staged = this.#parts.sealer.stage(piece.prepared, piece.last);
    const place = piece.staged.entries[0]?.link.sequence_number;
    if (place !== piece.sequence) {
      throw new Error(`entry ${piece.sequence} of the state would be entry ${place} of the log`);
    }
  }

  /**
   * One write at a time; what arrives meanwhile is the next batch. The next write is begun before
   * the callers of the last one are answered, so that what they ask next is decided beside it.
   */
  async #flush(): Promise<void> {
    let write: Write | null = null;
    let next: Write | null = null;
    try {
      // The requests of one turn of the event loop share a write.
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (write = this.#begin(0); write !== null; write = next) {
        const entries = await write.entries;
        next = this.#begin(entries.length);
        if (entries.length > 0) {
          this.#parts.observer.onWrite(entries.length, performance.now() - write.begun_ms);
        }
        this.#answer(write.pieces, entries);
      }
    } catch (error) {
      this.fail(error as Error, [...(write?.pieces ?? []), ...(next?.pieces ?? [])]);
    }
    this.#flushed = null;
  }

  /**
   * Begins to write half of what is under way, so that one half is decided while the other is
   * written; all of it when it is little. Null when nothing waits.
   *
   * @param answered entries whose callers are about to ask again
   */
  #begin(answered: number): Write | null {
    if (this.#staged.length === 0) {
      return null;
    }
    const half = Math.ceil((this.#ahead + answered) / 2);
    const count = fitting(this.#staged, Math.max(half, limits.batch_entries_whole));
    const pieces = this.#staged.splice(0, count);
    this.#ahead -= pieces.reduce((sum, piece) => sum + piece.events.length, 0);
    this.#stageAhead();
    const staged = pieces.flatMap((piece) => piece.staged ?? []);
    const entries = staged.length === 0 ? Promise.resolve([]) : this.#parts.sealer.commit(staged);
    // Heard by whoever awaits it, which may be a moment later.
    entries.catch(() => {});
    return { begun_ms: performance.now(), pieces, entries };
  }

  #answer(batch: readonly Piece[], entries: readonly SealedEntry[]): void {
    const { onSealed, observer } = this.#parts;
    onSealed(batch.flatMap(({ events }) => events));
    let from = 0;
    for (const { of, events, last } of batch) {
      of.entries.push(...entries.slice(from, from + events.length));
      from += events.length;
      if (last) {
        this.#queued[of.lane] -= 1;
        if (of.lane !== "commands" && of.events.length > 0) {
          observer.onStopSealed(of.command, performance.now() - of.submitted_ms);
        }
        of.resolve({ reply: of.reply, events: of.events, entries: of.entries });
      }
    }
  }
}
