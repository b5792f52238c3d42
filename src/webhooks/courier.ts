/**
 * Brings one target its messages, one at a time and in the order of the log. It holds one message in
 * memory; what waits, waits in the log. Where it stands is kept after each message, so a crash repeats
 * one and loses none.
 */
import type { SealedEntry } from "../vault/entry.js";
import { type BackoffBounds, backoff } from "./backoff.js";
import { type Bounds, deliver, type Outcome } from "./delivery.js";
import { type Message, messageOf } from "./message.js";
import type { Target } from "./target.js";

/** Where messages come from: the sealed log, and the index of what is announced. */
export interface Outbox {
  readonly origin: string;
  /** Indexes >= `from` of entries that are announced, lowest first, at most `limit`. */
  announced(from: number, limit: number): Promise<readonly number[]>;
  entry(sequence_number: number): Promise<SealedEntry | null>;
}

export interface CourierBounds extends Bounds, BackoffBounds {
  /** Indexes that are looked up at once. */
  readonly webhook_chunk: number;
  /** A message that a receiver refuses holds up those after it for so long. */
  readonly webhook_refused_ms: number;
}

/** What happened to a try; nothing here may throw. */
export interface Report {
  onOutcome(target: Target, outcome: Outcome["type"] | "given_up"): void;
  onFirstFailure(target: Target, message: Message, why: string): void;
  onRecovered(target: Target, failures: number): void;
  onGivenUp(target: Target, message: Message, sequence_number: number, why: string): void;
}

export interface Surroundings {
  readonly outbox: Outbox;
  readonly bounds: CourierBounds;
  /** A message that is older when a try fails is given up. */
  readonly retry_ms: number;
  readonly report: Report;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly after: (wait_ms: number, task: () => void) => () => void;
  /** 0 <= chance < 1. */
  readonly chance: () => number;
}

export class Courier {
  readonly target: Target;
  secrets: readonly string[];
  readonly #around: Surroundings;
  readonly #keep: (next: number) => Promise<void>;
  readonly #given_up = new AbortController();
  #next: number;
  #failures = 0;
  #rung = false;
  #wake: (() => void) | null = null;
  /** Whether it sleeps until something is announced, and not for its backoff. */
  #is_idle = false;
  #ending = false;
  #trying: Message | null = null;
  #running: Promise<void> = Promise.resolve();

  /**
   * @param next index of the first entry that it has not told
   * @param keep makes it outlive this process; the next start goes on from there
   */
  constructor(
    target: Target,
    secrets: readonly string[],
    next: number,
    keep: (next: number) => Promise<void>,
    around: Surroundings,
  ) {
    this.target = target;
    this.secrets = secrets;
    this.#next = next;
    this.#keep = keep;
    this.#around = around;
  }

  /** When the entry was signed that it cannot get rid of, milliseconds since 1970; null when nothing waits. */
  get waiting_since(): number | null {
    return this.#trying?.signed_at ?? null;
  }

  /** @param onFault is told when the log or the index cannot be read: it brings nothing more */
  begin(onFault: (error: Error) => void): void {
    this.#running = this.#run().catch(onFault);
  }

  /** Says that something is announced. */
  ring(): void {
    this.#rung = true;
    if (this.#is_idle) {
      this.#wake?.();
    }
  }

  /** Ends it: a try under way gets so long, what is left is told after the next start. */
  async end(grace_ms: number): Promise<void> {
    this.#ending = true;
    this.#wake?.();
    const timer = setTimeout(() => this.#given_up.abort(), grace_ms);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { outbox, bounds } = this.#around;
    while (!this.#ending) {
      this.#rung = false;
      const sequences = await outbox.announced(this.#next, bounds.webhook_chunk);
      for (const sequence of sequences) {
        if (!(await this.#tell(sequence))) {
          return;
        }
        this.#next = sequence + 1;
        await this.#keep(this.#next);
      }
      if (sequences.length < bounds.webhook_chunk && !this.#rung) {
        await this.#sleep(null);
      }
    }
  }

  /** Whether it is done with: taken, given up, or nothing for this target. */
  async #tell(sequence: number): Promise<boolean> {
    const { outbox } = this.#around;
    const entry = await outbox.entry(sequence);
    const message = entry === null ? null : messageOf(outbox.origin, entry);
    if (message === null || !this.target.events.has(message.event)) {
      return !this.#ending;
    }
    this.#trying = message;
    const is_done = await this.#bring(message, sequence);
    this.#trying = null;
    return is_done;
  }

  async #bring(message: Message, sequence: number): Promise<boolean> {
    const { bounds, now, report } = this.#around;
    const began = now();
    while (!this.#ending) {
      const { url } = this.target;
      const outcome = await deliver(url, message, this.secrets, now(), bounds, this.#given_up.signal);
      if (outcome.type === "taken") {
        report.onOutcome(this.target, "taken");
        this.#recover();
        return true;
      }
      if (this.#given_up.signal.aborted) {
        return false;
      }
      report.onOutcome(this.target, outcome.type);
      this.#failures += 1;
      if (this.#failures === 1) {
        report.onFirstFailure(this.target, message, outcome.why);
      }
      const is_given_up = this.#isGivenUp(message, outcome, began);
      if (is_given_up) {
        report.onOutcome(this.target, "given_up");
        report.onGivenUp(this.target, message, sequence, outcome.why);
      }
      // Also before the next message: who does not take one is not hurried with another.
      await this.#sleep(this.#waitAfter(outcome));
      if (is_given_up) {
        return true;
      }
    }
    return false;
  }

  #isGivenUp(message: Message, outcome: Outcome, began: number): boolean {
    const { bounds, now, retry_ms } = this.#around;
    return (
      now() - message.signed_at >= retry_ms ||
      (outcome.type === "refused" && now() - began >= bounds.webhook_refused_ms)
    );
  }

  #waitAfter(outcome: Outcome): number {
    const { bounds, chance } = this.#around;
    const asked_ms = outcome.type === "away" ? outcome.retry_after_ms : 0;
    return backoff(this.#failures, chance(), asked_ms, bounds);
  }

  #recover(): void {
    if (this.#failures > 0) {
      this.#around.report.onRecovered(this.target, this.#failures);
    }
    this.#failures = 0;
  }

  /** @param wait_ms null until the bell rings */
  async #sleep(wait_ms: number | null): Promise<void> {
    if (this.#ending) {
      return;
    }
    this.#is_idle = wait_ms === null;
    await new Promise<void>((resolve) => {
      const callOff = wait_ms === null ? () => {} : this.#around.after(wait_ms, resolve);
      this.#wake = () => {
        callOff();
        resolve();
      };
    });
    this.#wake = null;
    this.#is_idle = false;
  }
}
