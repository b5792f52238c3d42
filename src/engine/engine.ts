/**
 * Joins the rules to the log: replays it, takes commands, keeps time, and tells readers what is
 * sealed. A process can own several; nothing here is global.
 */

import { expiryOnPath } from "../core/budget.js";
import type { Unstamped } from "../core/command.js";
import type { Event } from "../core/event.js";
import type { State } from "../core/state.js";
import { limits } from "../limits.js";
import { Alarms } from "./alarms.js";
import { type Clock, engineClock, every, process_time } from "./clock.js";
import type { Deadlines } from "./deadlines.js";
import { DerivedRows } from "./derived.js";
import { EscalationSteps } from "./escalation-steps.js";
import { EngineFault, ignoreFault } from "./fault.js";
import { Follower } from "./follower.js";
import { HaltSteps } from "./halt-steps.js";
import { KeyEnds } from "./key-ends.js";
import type { Lane } from "./lanes.js";
import { Leases } from "./leases.js";
import type { Memory } from "./memory.js";
import { no_observer } from "./observer.js";
import type { EngineOptions } from "./options.js";
import type { Enclosed, Outcome } from "./outcome.js";
import { by_engine, OwnCommands } from "./own-commands.js";
import type { Projection } from "./projection.js";
import { type Replayed, replay } from "./replay.js";
import { newSalt } from "./salt.js";
import { Sequencer, type Standing } from "./sequencer.js";
import { sessionsNamed } from "./sessions-named.js";
import { settleDeadlines } from "./settle-deadlines.js";
import { snapshotText } from "./snapshot.js";
import { RepeatedTerminates } from "./terminates.js";
import { Timers } from "./timers.js";

export class Engine {
  readonly projection: Projection;
  readonly follower: Follower;
  readonly alarms = new Alarms();
  readonly clock: Clock;
  readonly key_ends: KeyEnds;
  readonly halts: HaltSteps;
  readonly escalations: EscalationSteps;
  readonly #state: State;
  readonly #memory: Memory;
  readonly #sequencer: Sequencer;
  readonly #timers: Timers;
  readonly #leases: Leases;
  readonly #settlements: Deadlines;
  readonly #terminates: RepeatedTerminates;
  readonly #options: EngineOptions;
  /** Newest heartbeats of live sessions: they change nothing that is decided, so nothing is sealed. */
  readonly #heard = new Map<string, number>();
  /** Each ends one regular task. */
  #regular: readonly (() => void)[] = [];
  #ended: Promise<void> | null = null;

  private constructor(options: EngineOptions, { state, projection, memory }: Replayed) {
    this.#options = options;
    const confirm_ms = options.halt_confirm_ms ?? limits.halt_confirm_ms;
    const own = new OwnCommands(
      (command) => this.submit(command),
      () => this.running,
    );
    this.#state = state;
    this.#memory = memory;
    this.projection = projection;
    this.clock = engineClock(state.at, options.time ?? process_time);
    this.key_ends = new KeyEnds(state, this.clock);
    this.follower = new Follower(projection, this.clock, options.watch_changes);
    this.#leases = new Leases(state, this.clock, (session) => this.#timers.add(session));
    this.#timers = new Timers(
      state,
      this.clock,
      (session) => this.#leases.deadline(session),
      (session_id) => own.expire(session_id),
    );
    this.halts = new HaltSteps({
      state,
      projection,
      clock: this.clock,
      confirm_ms,
      unconfirm: (session_id, delivered_at) => own.unconfirm(session_id, confirm_ms, delivered_at),
      observer: options.observer,
    });
    this.escalations = new EscalationSteps(state, this.clock, options.texts ?? null, (escalation_id) =>
      own.expireEscalation(escalation_id),
    );
    const settle_ms = options.settle_timeout_ms ?? limits.settle_timeout_ms;
    this.#settlements = settleDeadlines(state, this.clock, settle_ms, (decision_id) =>
      own.lapse(decision_id),
    );
    this.#terminates = new RepeatedTerminates((command) => this.submit(command));
    this.#sequencer = new Sequencer({
      state,
      sealer: options.log,
      clock: this.clock,
      salt: newSalt,
      leases: this.#leases,
      escalation_ms: options.escalation_ms ?? limits.escalation_ms,
      onDecided: (events, command) => {
        this.#leases.onDecided(events);
        this.#timers.onDecided(events);
        this.key_ends.onDecided(events);
        this.halts.onDecided();
        this.escalations.onDecided(events, command);
        this.#settlements.arm();
      },
      onSealed: (events) => this.#onSealed(events),
      observer: options.observer ?? no_observer,
      onFailed: (error) => this.#onFailed(error),
    });
  }

  /** Replays the log, finishes what a crash has cut, and begins to keep time. */
  static async open(options: EngineOptions): Promise<Engine> {
    let engine: Engine | null = null;
    const rows = new DerivedRows(options.rows, (error) => {
      if (engine !== null) {
        engine.#sequencer.fail(error);
      }
    });
    engine = new Engine(
      options,
      await replay(options.log, rows, options.stopped_sessions ?? limits.stopped_sessions),
    );
    await engine.submit({ type: "finish_cascades", ...by_engine });
    options.log.publish();
    engine.#start();
    return engine;
  }

  /** The decided state: for access checks, which must bind early. Read it, never change it. */
  get state(): Readonly<State> {
    return this.#state;
  }

  /** Whether commands are taken. */
  get running(): boolean {
    return this.standing === "running";
  }

  /** Whether commands are taken, and if not, why. */
  get standing(): Standing {
    return this.#sequencer.standing;
  }

  /** Commands that wait for the disk, by lane. */
  get queued(): Readonly<Record<Lane, number>> {
    return this.#sequencer.queued;
  }

  /**
   * Decides a command and answers when it is durable. Sessions that left memory come back first.
   *
   * @throws {EngineFault}
   */
  async submit(command: Unstamped, enclosed: Enclosed = {}): Promise<Outcome> {
    const named = sessionsNamed(command);
    if (!this.#memory.holds(named)) {
      await this.#memory.load(named);
    }
    const outcome = await this.#sequencer.submit(command, enclosed);
    if (outcome.reply.type === "verdict" && outcome.reply.repeats_terminate_of !== null) {
      this.#terminates.add(outcome.reply.repeats_terminate_of);
    }
    await this.escalations.settle(outcome.events);
    return outcome;
  }

  /** Ends everything for a fault of the log or beside it: the process must exit. */
  fail(error: Error): void {
    this.#sequencer.fail(error);
  }

  /** Brings stopped sessions back into memory. Unknown ids are left to the decision. */
  load(session_ids: readonly string[]): Promise<void> {
    return this.#memory.load(session_ids);
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

  /** Whether time has ended a session, and nothing has sealed it yet. */
  isOverdue(session_id: string): boolean {
    const session = this.#state.sessions.get(session_id);
    const now = this.clock.now();
    return (
      session?.stop === null &&
      (expiryOnPath(this.#state, session, now) !== null || this.#leases.lostOn(session, now).length > 0)
    );
  }

  /** Takes no more commands, answers those taken, tells watchers to come back elsewhere. */
  stop(): Promise<void> {
    this.#ended ??= this.#stop();
    return this.#ended;
  }

  async #stop(): Promise<void> {
    this.#keepNoTime();
    await this.#terminates.sumUp().catch(ignoreFault);
    await this.#sequencer.stop();
    await this.escalations.stop();
    await this.#keepSnapshot();
    this.follower.end("draining");
    await this.projection.settle();
  }

  /** Nothing is taken any more, so the state is that of the log. */
  async #keepSnapshot(): Promise<void> {
    const { log } = this.#options;
    const { size } = log.head();
    if (
      this.standing !== "failed" &&
      this.#state.next_sequence === size &&
      log.snapshots.isWorthWhile(size)
    ) {
      await this.projection.settle();
      await log.keepSnapshot(snapshotText(this.#state));
    }
  }

  #start(): void {
    this.#leases.start();
    this.#timers.start();
    this.halts.start();
    this.escalations.start();
    this.#settlements.arm();
    const { heartbeat_seconds } = this.#options;
    const heartbeat = {
      type: "seal_heartbeat",
      ...by_engine,
      interval_seconds: heartbeat_seconds,
    } as const;
    this.#regular = [
      this.#every(limits.repeated_terminates_ms, () => this.#terminates.sumUp()),
      this.#every(heartbeat_seconds * 1000, () => this.submit(heartbeat)),
    ];
  }

  /** A refusal here is one for everybody, and the next round comes by itself. */
  #every(interval_ms: number, task: () => Promise<unknown>): () => void {
    return every(this.clock, interval_ms, () => void task().catch(ignoreFault));
  }

  #keepNoTime(): void {
    this.#timers.stop();
    this.#leases.stop();
    this.halts.stop();
    this.escalations.keepNoTime();
    this.#settlements.stop();
    for (const end of this.#regular) {
      end();
    }
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
    this.halts.onSealed(events);
    this.alarms.onSealed(events);
    this.escalations.onSealed(events);
    this.follower.onSealed(events);
    this.#memory.evict();
    this.#options.observer?.onSealed(events);
  }

  #onFailed(error: Error): void {
    this.#keepNoTime();
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
