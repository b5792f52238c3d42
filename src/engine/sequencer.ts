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
import type { Draft } from "../vault/chain.js";
import type { SealedEntry } from "../vault/entry.js";
import type { Clock } from "./clock.js";
import { toContent } from "./content.js";
import { stampRepeat } from "./digest.js";
import { EngineFault } from "./fault.js";

/** What the sequencer needs of the vault: durable when it resolves, in order, all or nothing known. */
export interface Sealer {
  seal(drafts: readonly Draft[]): Promise<readonly SealedEntry[]>;
}

/** What a command led to, told after all of it is durable. */
export interface Outcome {
  readonly reply: Reply;
  readonly events: readonly Event[];
  /** The sealed entry of each event, in the same order. */
  readonly entries: readonly SealedEntry[];
}

/** What comes with a command and is none of the core's business. */
export interface Enclosed {
  /** Canonical details of the decision's entry. */
  readonly details?: string | null;
  /** Canonical text of a request with an idempotency key. */
  readonly request?: string | null;
  /** performance.now() when the request came in. */
  readonly received_ms?: number;
}

interface Waiting {
  readonly lane: Lane;
  readonly reply: Reply;
  readonly events: readonly Event[];
  readonly details: string | null;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** Stops have a bound of their own: no number of intercepts can refuse one. */
type Lane = "stops" | "commands";

const lanes: Readonly<Record<Command["type"], Lane>> = {
  start_session: "commands",
  intercept: "commands",
  touch_session: "commands",
  register_agent: "commands",
  issue_credential: "commands",
  create_key: "commands",
  sum_up_terminates: "stops",
  seal_heartbeat: "stops",
  finish_cascades: "stops",
  kill_session: "stops",
  end_session: "stops",
  expire_session: "stops",
  revoke_agent: "stops",
  revoke_credential: "stops",
  revoke_key: "stops",
};

const lane_limits: Readonly<Record<Lane, number>> = {
  stops: limits.queue_stops,
  commands: limits.queue_commands,
};

export interface SequencerParts {
  /** The decided state: ahead of the log by what is not durable yet. */
  readonly state: State;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** 32 hex digits from a CSPRNG. */
  readonly salt: () => string;
  /** Told of every event in the turn in which it is decided. */
  readonly onDecided: (events: readonly Event[]) => void;
  /** Told of every batch when it is durable, in order, before its callers are answered. */
  readonly onSealed: (events: readonly Event[], entries: readonly SealedEntry[]) => void;
  /** Told once, when an append failed: what is on disk is unknown, so nothing may go on. */
  readonly onPoisoned: (error: Error) => void;
}

export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #waiting: Waiting[] = [];
  readonly #queued: Record<Lane, number> = { stops: 0, commands: 0 };
  #flushing = false;
  #stopped: EngineFault | null = null;
  #idle: (() => void) | null = null;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
  }

  /** Whether commands are taken. */
  get running(): boolean {
    return this.#stopped === null;
  }

  /**
   * Decides a command now and answers when everything decided up to here is durable.
   *
   * @throws {EngineFault} overloaded: nothing was decided; unavailable: what was decided is unknown
   */
  submit(unstamped: Unstamped, enclosed: Enclosed = {}): Promise<Outcome> {
    if (this.#stopped !== null) {
      return Promise.reject(this.#stopped);
    }
    const lane = lanes[unstamped.type];
    if (this.#queued[lane] >= lane_limits[lane]) {
      return Promise.reject(
        new EngineFault(
          "overloaded",
          "too many requests are waiting for the disk: nothing was decided, retry",
          1000,
        ),
      );
    }
    const { state, clock } = this.#parts;
    const command = stampRepeat(
      state,
      stamp(unstamped, clock.now(), state, enclosed),
      enclosed.request ?? null,
    );
    const { reply, events } = decide(state, command);
    for (const event of events) {
      evolve(state, event);
    }
    this.#parts.onDecided(events);
    return new Promise((resolve, reject) => {
      this.#queued[lane] += 1;
      this.#waiting.push({ lane, reply, events, details: enclosed.details ?? null, resolve, reject });
      if (!this.#flushing) {
        this.#flushing = true;
        void this.#flush();
      }
    });
  }

  /** Takes no more commands; resolves when those taken are answered. */
  async stop(): Promise<void> {
    this.#stopped ??= new EngineFault("unavailable", "Killcord is stopping: retry", 1000);
    if (this.#flushing) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  /** One write at a time; what arrives meanwhile is the next batch. */
  async #flush(): Promise<void> {
    // The callers of this turn of the event loop gather before the first write.
    await null;
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#seal(batch);
      } catch (error) {
        this.#poison(batch, error as Error);
        break;
      }
    }
    this.#flushing = false;
    this.#idle?.();
  }

  /** Whole commands, so that only an order wider than a batch can be cut by a crash. */
  #takeBatch(): readonly Waiting[] {
    let entries = 0;
    let count = 0;
    for (const each of this.#waiting) {
      if (count > 0 && entries + each.events.length > limits.batch_entries) {
        break;
      }
      entries += each.events.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #seal(batch: readonly Waiting[]): Promise<void> {
    const drafts: Draft[] = [];
    const events: Event[] = [];
    for (const each of batch) {
      for (const event of each.events) {
        const details = event.event === "enforcement_decision" ? each.details : null;
        drafts.push({ content: toContent(event, this.#parts.salt()), details });
        events.push(event);
      }
    }
    const entries = drafts.length === 0 ? [] : await this.#parts.sealer.seal(drafts);
    this.#parts.onSealed(events, entries);
    let from = 0;
    for (const each of batch) {
      this.#queued[each.lane] -= 1;
      const to = from + each.events.length;
      each.resolve({ reply: each.reply, events: each.events, entries: entries.slice(from, to) });
      from = to;
    }
  }

  /**
   * A failed append is fatal: the entries may be on disk or not. Nobody is told a verdict, nothing
   * more is taken, and the process exits for a restart that replays.
   */
  #poison(batch: readonly Waiting[], error: Error): void {
    this.#stopped = new EngineFault(
      "unavailable",
      "the log cannot be written: no permission was given, whether it was counted is unknown; retry with the same idempotency key",
      1000,
    );
    for (const each of [...batch, ...this.#waiting.splice(0)]) {
      each.reject(this.#stopped);
    }
    this.#parts.onPoisoned(error);
  }
}

function stamp(unstamped: Unstamped, now: number, state: State, enclosed: Enclosed): Command {
  const at = Math.max(now, state.at);
  if (unstamped.type === "intercept") {
    const latency_us =
      enclosed.received_ms === undefined
        ? 0
        : Math.max(0, Math.round((performance.now() - enclosed.received_ms) * 1000));
    return { ...unstamped, at, latency_us };
  }
  return { ...unstamped, at };
}
