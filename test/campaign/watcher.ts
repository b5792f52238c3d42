/** A client that watches and comes back with its token, however often it is cut; it keeps what it was shown. */
import { setTimeout as pause } from "node:timers/promises";
import type { Hear, Line } from "./lines.js";
import { isOver, type Shown } from "./shown.js";

/** Ends after which it comes back. */
const passing: ReadonlySet<string> = new Set(["ok", "cut", "unavailable"]);

/** Which sessions it has to know the stop of. */
export type About = (session: {
  readonly session_id: string;
  readonly label: string | null;
  readonly agent_id: string | null;
  readonly start: number;
}) => boolean;

export interface WatcherParts {
  readonly name: string;
  readonly about: About;
  readonly open: (token: string | null, hear: Hear) => Line;
  /** The sessions that it watches, if it watches some and not a kind of them: it need not come back for them. */
  readonly session_ids: readonly string[] | null;
  /** An end other than those of bad weather that is no fault: its key was revoked. */
  readonly may_end?: string;
}

export class Watcher {
  readonly parts: WatcherParts;
  readonly known = new Map<string, Shown>();
  /** Index from which on it knows everything; null before its first message. */
  first: number | null = null;
  readonly faults: string[] = [];
  connections = 0;
  resumes = 0;
  messages = 0;
  #revision = -1;
  #token: string | null = null;
  #line: Line | null = null;
  #left = false;
  /** Before it comes back: longer each time, and short again when it hears something. */
  #wait_ms = 10;
  #onHeard: () => void = nothing;
  readonly #done: Promise<void>;

  constructor(parts: WatcherParts) {
    this.parts = parts;
    this.#done = this.#run();
  }

  /** The newest line: it may be broken already. */
  get line(): Line | null {
    return this.#line;
  }

  /** Resolves when `enough` holds; checked after each message. False when it did not within the time. */
  async until(enough: () => boolean, deadline_ms: number): Promise<boolean> {
    while (!enough()) {
      const left_ms = deadline_ms - performance.now();
      if (left_ms <= 0 || this.faults.length > 0) {
        return false;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left_ms, 1000));
        this.#onHeard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.#line?.leave();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#left) {
      this.connections += 1;
      this.resumes += this.#token === null ? 0 : 1;
      this.#line = this.parts.open(this.#token, (heard) => this.#hear(heard));
      const end = await this.#line.ended;
      if (!passing.has(end) && end !== this.parts.may_end && !this.#left) {
        this.#fault(`the watch ended with ${end}`);
        return;
      }
      this.#onHeard();
      if (this.#isDone()) {
        return;
      }
      if (!this.#left) {
        this.#wait_ms = Math.min(2 * this.#wait_ms, 150);
        await pause(this.#wait_ms * (0.5 + Math.random()));
      }
    }
  }

  #isDone(): boolean {
    const { session_ids } = this.parts;
    return session_ids?.every((id) => isOver(this.known.get(id) ?? alive)) === true;
  }

  #hear({ shown, revision, token }: Parameters<Hear>[0]): void {
    this.messages += 1;
    this.#wait_ms = 10;
    if (revision !== null) {
      this.first ??= revision;
      if (revision < this.#revision) {
        this.#fault(`the revision went back from ${this.#revision} to ${revision}`);
      }
      this.#revision = revision;
    }
    this.#token = token ?? this.#token;
    if (shown !== null) {
      this.#keep(shown);
    }
    this.#onHeard();
  }

  #keep(shown: Shown): void {
    const before = this.known.get(shown.session_id);
    if (before !== undefined && isOver(before)) {
      if (before.status !== shown.status || before.halt_id !== shown.halt_id) {
        this.#fault(`after ${JSON.stringify(before)} came ${JSON.stringify(shown)}`);
      }
    } else if ((before?.actions ?? 0) > (shown.actions ?? Number.POSITIVE_INFINITY)) {
      this.#fault(`the actions of ${shown.session_id} fell from ${before?.actions} to ${shown.actions}`);
    }
    this.known.set(shown.session_id, shown);
  }

  #fault(text: string): void {
    this.faults.push(`${this.parts.name}: ${text}`);
    this.#onHeard();
  }
}

/** What is not known to be over. */
export const alive: Shown = {
  session_id: "",
  status: "active",
  halt_id: null,
  stop_reason: null,
  reason: null,
  actions: null,
};

function nothing(): void {}
