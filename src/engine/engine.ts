/**
 * Joins the rules to the log: replays it, takes commands, keeps time, and tells readers what is
 * sealed. A process can own several; nothing here is global.
 */
import { randomBytes } from "node:crypto";
import type { Unstamped } from "../core/command.js";
import type { Event } from "../core/event.js";
import { system_actor } from "../core/event.js";
import { evolve } from "../core/evolve.js";
import { evictStopped, readmitStopped } from "../core/evolve-session.js";
import { emptyState, type Session, type State } from "../core/state.js";
import { limits } from "../limits.js";
import type { StoredEntry } from "../vault/journal.js";
import { type Clock, engineClock, every, process_time, type Time } from "./clock.js";
import { fromContent } from "./content.js";
import { DerivedRows, type RowStore } from "./derived.js";
import { EngineFault } from "./fault.js";
import { Follower } from "./follower.js";
import { copyOf, Projection } from "./projection.js";
import { type Enclosed, type Outcome, type Sealer, Sequencer } from "./sequencer.js";
import { Timers } from "./timers.js";

/** What the engine needs of a log. */
export interface Log extends Sealer {
  head(): { readonly size: number };
  read(from: number, limit: number): AsyncIterable<StoredEntry>;
}

export interface EngineOptions {
  readonly log: Log;
  /** Where derived rows are kept. */
  readonly rows: RowStore;
  /** Told once when the log cannot be written or an index is broken: the process must exit. */
  readonly onFatal: (error: Error) => void;
  readonly heartbeat_seconds: number;
  /** The process's own when absent. */
  readonly time?: Time;
}

export class Engine {
  readonly projection: Projection;
  readonly follower: Follower;
  readonly clock: Clock;
  readonly #state: State;
  readonly #sequencer: Sequencer;
  readonly #timers: Timers;
  readonly #options: EngineOptions;
  /** Terminates that were given again without an entry, by session. */
  readonly #repeated_terminates = new Map<string, number>();
  /** Newest heartbeats of live sessions: they change nothing that is decided, so nothing is sealed. */
  readonly #heard = new Map<string, number>();
  /** Each ends one regular task. */
  #regular: readonly (() => void)[] = [];
  /** Grows whenever sessions leave memory: what was read before that may be stale. */
  #evictions = 0;

  private constructor(options: EngineOptions, state: State, projection: Projection) {
    this.#options = options;
    this.#state = state;
    this.projection = projection;
    this.clock = engineClock(state.at, options.time ?? process_time);
    this.follower = new Follower(projection, this.clock);
    this.#timers = new Timers(state, this.clock, (session_id) => this.#expire(session_id));
    this.#sequencer = new Sequencer({
      state,
      sealer: options.log,
      clock: this.clock,
      salt: randomSalt,
      onDecided: (events) => this.#timers.onDecided(events),
      onSealed: (events) => this.#onSealed(events),
      onPoisoned: (error) => this.#onPoisoned(error),
    });
  }

  /** Replays the log, finishes what a crash has cut, and begins to keep time. */
  static async open(options: EngineOptions): Promise<Engine> {
    const rows = new DerivedRows(options.rows, options.onFatal);
    const projection = new Projection(rows);
    await projection.open();
    const { size } = options.log.head();
    if (projection.rows_through > size) {
      await rows.clear();
      await projection.open();
    }
    const state = emptyState();
    for await (const entry of options.log.read(0, size)) {
      const event = fromContent(entry.content, entry.details, entry.sequence_number);
      await recall(state, projection, event);
      evolve(state, event);
      projection.onSealed([event]);
      evictStopped(state, state.next_sequence);
    }
    const engine = new Engine(options, state, projection);
    await engine.submit({ type: "finish_cascades", actor: system_actor, request_id: null });
    engine.#start();
    return engine;
  }

  /** The decided state: for access checks, which must bind early. Read it, never change it. */
  get state(): Readonly<State> {
    return this.#state;
  }

  /** Whether commands are taken. */
  get running(): boolean {
    return this.#sequencer.running;
  }

  /**
   * Decides a command and answers when it is durable. Sessions that left memory come back first.
   *
   * @throws {EngineFault}
   */
  submit(command: Unstamped, enclosed: Enclosed = {}): Promise<Outcome> {
    const absent = sessionsNamed(command).filter((id) => !this.#state.sessions.has(id));
    if (absent.length > 0) {
      return this.load(absent).then(() => this.#submitLoaded(command, enclosed));
    }
    return this.#submitLoaded(command, enclosed);
  }

  /** Brings stopped sessions back into memory. Unknown ids are left to the decision. */
  async load(session_ids: Iterable<string>): Promise<void> {
    for (const session_id of session_ids) {
      for (let evictions = -1; evictions !== this.#evictions; ) {
        evictions = this.#evictions;
        const session = this.#state.sessions.has(session_id)
          ? null
          : await this.projection.session(session_id);
        if (session !== null && evictions === this.#evictions) {
          readmit(this.#state, this.projection, session);
        }
      }
    }
  }

  /** Notes a sign of life of a session. */
  heard(session_id: string, at: number): void {
    if (this.#state.sessions.get(session_id)?.stop === null) {
      this.#heard.set(session_id, at);
    }
  }

  /** When a live session was last heard of by heartbeat, or null. */
  lastHeard(session_id: string): number | null {
    return this.#heard.get(session_id) ?? null;
  }

  /** Takes no more commands, answers those taken, tells watchers to come back elsewhere. */
  async stop(): Promise<void> {
    this.#timers.stop();
    for (const callOff of this.#regular) {
      callOff();
    }
    if (this.running) {
      await this.#sumUpTerminates();
    }
    await this.#sequencer.stop();
    this.follower.end("draining");
    await this.projection.settle();
  }

  async #submitLoaded(command: Unstamped, enclosed: Enclosed): Promise<Outcome> {
    const outcome = await this.#sequencer.submit(command, enclosed);
    if (outcome.reply.type === "verdict" && outcome.reply.repeats_terminate_of !== null) {
      const session_id = outcome.reply.repeats_terminate_of;
      this.#repeated_terminates.set(session_id, (this.#repeated_terminates.get(session_id) ?? 0) + 1);
    }
    return outcome;
  }

  #start(): void {
    this.#timers.start();
    const { heartbeat_seconds } = this.#options;
    const heartbeat = {
      type: "seal_heartbeat",
      actor: system_actor,
      request_id: null,
      interval_seconds: heartbeat_seconds,
    } as const;
    this.#regular = [
      this.#every(limits.repeated_terminates_ms, () => this.#sumUpTerminates()),
      this.#every(heartbeat_seconds * 1000, () => this.submit(heartbeat)),
    ];
  }

  /** A refusal here is one for everybody, and the next round comes by itself. */
  #every(interval_ms: number, task: () => Promise<unknown>): () => void {
    return every(this.clock, interval_ms, () => void task().catch(ignoreFault));
  }

  /** Whether it need not be told again: the session has expired, or there is no engine left. */
  async #expire(session_id: string): Promise<boolean> {
    try {
      await this.submit({ type: "expire_session", actor: system_actor, request_id: null, session_id });
      return true;
    } catch (error) {
      ignoreFault(error);
      return !this.running;
    }
  }

  async #sumUpTerminates(): Promise<void> {
    const counts = [...this.#repeated_terminates];
    this.#repeated_terminates.clear();
    await Promise.all(
      counts.map(([session_id, count]) =>
        this.submit({ type: "sum_up_terminates", actor: system_actor, request_id: null, session_id, count }),
      ),
    );
  }

  #onSealed(events: readonly Event[]): void {
    this.projection.onSealed(events);
    for (const event of events) {
      if (
        event.event === "session_killed" ||
        event.event === "session_expired" ||
        event.event === "session_ended"
      ) {
        this.#heard.delete(event.session_id);
      }
    }
    if (evictStopped(this.#state, this.projection.size).length > 0) {
      this.#evictions += 1;
    }
    this.follower.onSealed(events);
  }

  #onPoisoned(error: Error): void {
    this.#timers.stop();
    this.follower.end(
      new EngineFault(
        "unavailable",
        "the log cannot be written: nothing is allowed until Killcord has restarted",
        1000,
      ),
    );
    this.#options.onFatal(error);
  }
}

/** Both states take it back, so that both count its next entries. */
function readmit(state: State, projection: Projection, session: Session): void {
  readmitStopped(state, copyOf(session));
  readmitStopped(projection.state, copyOf(session));
}

/**
 * A replayed entry of a session that left memory: its row is brought back to count on, unless the
 * row was written with this entry counted.
 */
async function recall(state: State, projection: Projection, event: Event): Promise<void> {
  if (!("session_id" in event) || event.session_id === null || event.event === "session_started") {
    return;
  }
  if (!state.sessions.has(event.session_id) && state.next_sequence >= projection.rows_through) {
    const session = await projection.session(event.session_id);
    if (session !== null) {
      readmit(state, projection, session);
    }
  }
}

function sessionsNamed(command: Unstamped): readonly string[] {
  switch (command.type) {
    case "start_session":
      return command.parent_session_id === null ? [] : [command.parent_session_id];
    case "intercept":
      return command.session_id === null ? [] : [command.session_id];
    case "touch_session":
    case "kill_session":
    case "end_session":
    case "expire_session":
    case "sum_up_terminates":
      return [command.session_id];
    default:
      return [];
  }
}

function randomSalt(): string {
  return randomBytes(16).toString("hex");
}

function ignoreFault(error: unknown): void {
  if (!(error instanceof EngineFault)) {
    throw error;
  }
}
