/** What an engine is made of, and what can be set. */
import type { ActionTextsOptions } from "./action-texts.js";
import type { Time } from "./clock.js";
import type { RowStore } from "./derived.js";
import type { Observer } from "./observer.js";
import type { SealedLog } from "./replay.js";
import type { Sealer } from "./sequencer.js";

/** What the engine needs of a log. */
export interface Log extends Sealer, SealedLog {
  /** Told when what a crash has cut is finished: from here on the log may be shown. */
  publish(): void;
}

export interface EngineOptions {
  readonly log: Log;
  /** Where derived rows are kept. */
  readonly rows: RowStore;
  /** Told once when the log or an index cannot be written: the process must exit. */
  readonly onFatal: (error: Error) => void;
  readonly heartbeat_seconds: number;
  /** The process's own when absent. */
  readonly time?: Time;
  /** Counts; nobody when absent. */
  readonly observer?: Observer;
  /** What a client has from a stop on to say that it has stopped. */
  readonly halt_confirm_ms?: number;
  /** Where texts of actions are kept while they wait for a person; in memory alone when absent. */
  readonly texts?: ActionTextsOptions;
  /** How long an escalation waits for a person. */
  readonly escalation_ms?: number;
  /** What a client has from an action on to say what it has cost, where it gave an estimate. */
  readonly settle_timeout_ms?: number;
  /** Stopped sessions that stay in memory. */
  readonly stopped_sessions?: number;
  /** Untold changes that one watch keeps apart. */
  readonly watch_changes?: number;
}
