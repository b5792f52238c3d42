/**
 * One session as this process sees it: what the server tells of it comes in here, and its stop goes
 * out from here. First the signal, at once; everything else after it.
 */
import { Code, type ConnectError } from "@connectrpc/connect";
import { SessionStatus, type Session as WireSession } from "../gen/killcord/v1/session_pb.js";
import type { Connection } from "./connection.js";
import { Ending } from "./ending.js";
import { AccessDenied, SessionPaused, SessionTerminated } from "./errors.js";
import { toldFailure } from "./failure.js";
import { Lifeline, type Living } from "./lifeline.js";
import { Listeners } from "./listeners.js";
import type { SessionPlan } from "./options.js";
import { sleep } from "./platform.js";
import { Races } from "./races.js";
import { type State, shownState } from "./state.js";
import { unasked, type Warning } from "./verdict.js";
import type { Watch, Watchable } from "./watch.js";
import { type EvidenceWord, isTerminal, type StopReasonWord } from "./words.js";
import { Work } from "./work.js";

export class Run implements Watchable, Living {
  readonly id: string;
  readonly plan: SessionPlan;
  readonly connection: Connection;
  readonly lifeline: Lifeline;
  readonly listeners: Listeners;
  readonly work = new Work();
  readonly #watch: Watch;
  readonly #ending: Ending;
  readonly #controller = new AbortController();
  readonly #races = new Races();
  readonly #leaveBlock: () => void;
  #state: State;
  #revision = -1n;
  #closing: Promise<void> | null = null;
  #onClosed: () => void = () => {};

  /** @param sent_ms when the call that opened it was first sent */
  constructor(
    connection: Connection,
    watch: Watch,
    plan: SessionPlan,
    session: WireSession,
    sent_ms: number,
  ) {
    this.id = session.sessionId;
    this.plan = plan;
    this.connection = connection;
    this.#watch = watch;
    this.listeners = new Listeners(connection.platform);
    this.#ending = new Ending(connection, this.id, plan, this.work);
    this.#leaveBlock = this.work.begin("the block that has it open");
    this.lifeline = new Lifeline(connection, this, plan.lease_seconds, sent_ms);
    this.#state = { kind: "active" };
    connection.platform.manyListeners(this.#controller.signal);
    watch.follow(this);
    // A repeated start can open what has been stopped meanwhile.
    this.#show(session);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Throws what forbids to go on. The lease comes first: a process that was suspended finds out here.
   *
   * @throws {SessionTerminated} @throws {SessionPaused}
   */
  guard(): void {
    this.guardStop();
    if (this.#state.kind === "paused") throw this.paused(this.#state.reason);
  }

  /** @throws {SessionTerminated} */
  guardStop(): void {
    this.lifeline.check();
    if (this.#state.kind === "stopped") throw this.#state.terminated;
    if (this.#closing !== null) throw this.#closed();
  }

  paused(reason: string): SessionPaused {
    return new SessionPaused(unasked("", reason));
  }

  /**
   * Does something that the stop breaks off: what is returned rejects at once then.
   *
   * @param work what is done; its signal is aborted by the stop
   * @param signal breaks it off too
   */
  async race<Result>(
    work: (signal: AbortSignal) => PromiseLike<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    this.guardStop();
    const release = this.connection.platform.hold();
    try {
      return await this.#races.run(work, signal);
    } finally {
      release();
    }
  }

  // What the server tells.

  /** A verdict came with it. What nobody listens to is said, each once. */
  warned(warning: Warning): void {
    if (this.listeners.heed("warning")) this.listeners.tell("warning", warning);
    else this.connection.once(`session ${this.id}: ${warning.message} (${warning.policyId})`);
  }

  learn(session: WireSession, revision: bigint): void {
    if (!isTerminal(session.status)) {
      if (revision < this.#revision) return;
      this.#revision = revision;
    }
    this.#show(session);
  }

  forgetRevision(): void {
    this.#revision = -1n;
  }

  /** An answer to a heartbeat may be older than what the watch has told, so it counts for stops, or without a watch. */
  heard(session: WireSession, polling: boolean): void {
    const was_held = this.#state.kind === "paused" && this.#state.by_lease === true;
    if (isTerminal(session.status) || polling || was_held) this.#show(session);
  }

  /** What an answer about this very moment says: it was asked for after what the watch has told. */
  shown(session: WireSession): void {
    this.#show(session);
  }

  refused(failure: ConnectError): void {
    const told = toldFailure(failure, this.connection.url);
    const reason = `the server takes no sign of life any more: ${told.message}`;
    if (told instanceof AccessDenied) this.#lose("access_denied", reason);
    else if (failure.code === Code.NotFound) this.#lose("session_not_found", reason);
    else {
      this.#lose("lease_lost", reason);
      return;
    }
    // Nothing more is told of it; and the watch of the others is refused with it.
    this.#watch.forget(this.id);
  }

  lost(): void {
    const { lease_seconds, on_lease_lost } = this.plan;
    const reason = `no answer from ${this.connection.url} within the lease of ${lease_seconds} s`;
    switch (on_lease_lost) {
      case "kill":
        this.#lose("lease_lost", reason);
        return;
      case "pause":
        this.#setState({ kind: "paused", reason, by_lease: true });
        return;
      case "continue":
        this.connection.platform.warn(`session ${this.id}: ${reason}; it goes on, as was asked for`);
    }
  }

  poll(polling: boolean): void {
    this.lifeline.poll(polling);
  }

  ask(): void {
    void this.lifeline.ask();
  }

  #show(session: WireSession): void {
    const shown = shownState(session);
    if (shown.kind !== "stopped") {
      this.#setState(shown);
      return;
    }
    this.stop(shown.terminated);
    if (session.haltId !== undefined) this.#ending.name(session.haltId);
    // Nothing can be new any more.
    this.#watch.forget(this.id);
  }

  #setState(state: Exclude<State, { kind: "stopped" }>): void {
    const before = this.#state;
    if (before.kind === "stopped") return;
    this.#state = state;
    if (before.kind === state.kind) return;
    if (state.kind === "paused") this.listeners.tell("pause", this.paused(state.reason));
    else this.listeners.tell("resume", undefined);
  }

  /** No stop could reach it any more: it ends itself. The server says so too when the lease's grace is over, and names it. */
  #lose(stop_reason: StopReasonWord, reason: string): void {
    this.stop(
      new SessionTerminated({
        sessionId: this.id,
        status: "killed",
        stopReason: stop_reason,
        reason,
        haltId: undefined,
      }),
    );
  }

  /** The session is over. */
  stop(terminated: SessionTerminated): void {
    if (this.#state.kind === "stopped") return;
    this.#state = { kind: "stopped", terminated };
    this.lifeline.end();
    this.#controller.abort(terminated);
    this.#races.breakOff(terminated);
    if (terminated.haltId !== undefined) this.#ending.name(terminated.haltId);
    const told =
      this.#closing !== null && terminated.status === "ended" ? [] : this.listeners.stop(terminated);
    this.#ending.begin(terminated, told);
  }

  /** Calls `run` when it is closed. */
  whenClosed(run: () => void): void {
    this.#onClosed = run;
  }

  /** Leaves the block. Never rejects, and ends within the timeout and, after a stop, the grace. */
  close(evidence: EvidenceWord): Promise<void> {
    this.#closing ??= this.#close(evidence);
    return this.#closing;
  }

  async #close(evidence: EvidenceWord): Promise<void> {
    const release = this.connection.platform.hold();
    try {
      this.#ending.evidence = evidence;
      this.#leaveBlock();
      if (this.#state.kind !== "stopped") await this.#sayEnded();
      const { grace_ms, timeout_ms } = this.plan;
      await Promise.race([this.#ending.over, sleep(this.connection.platform.clock, grace_ms + timeout_ms)]);
    } finally {
      this.#onClosed();
      release();
    }
  }

  async #sayEnded(): Promise<void> {
    try {
      const { session } = await this.connection.call(
        { timeout_ms: this.plan.timeout_ms },
        ({ sessions }, options) => sessions.endSession({ sessionId: this.id }, options),
      );
      // It may have been killed before: then that is what it was.
      if (session !== undefined) this.#show(session);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.connection.once(`what could not be ended is ended by its lease or its idle time: ${why}`);
    }
    this.stop(this.#closed());
    this.#watch.forget(this.id);
  }

  #closed(): SessionTerminated {
    return new SessionTerminated({
      sessionId: this.id,
      status: "ended",
      stopReason: undefined,
      reason: "it was closed here",
      haltId: undefined,
    });
  }

  /** Waits while it is held. @throws {SessionTerminated} */
  async untilActive(signal?: AbortSignal): Promise<void> {
    const { clock } = this.connection.platform;
    for (;;) {
      await this.race(() => Promise.race([this.listeners.change(), sleep(clock, wait_ms)]), signal);
      const session = await this.race(() => this.lifeline.ask(), signal);
      this.guardStop();
      if (session?.status !== SessionStatus.ACTIVE) continue;
      this.shown(session);
      return;
    }
  }
}

/** How often a held session asks whether it may go on, beside hearing of it. */
const wait_ms = 1000;
