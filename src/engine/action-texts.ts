/**
 * What actions said that wait for a person: encrypted beside the log until they are resolved, then
 * erased. Nothing here is evidence, and nothing is decided by it: a text that is lost is shown to nobody.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { AbstractLevel } from "abstract-level";
import type { Intercept } from "../core/command.js";
import type { Event } from "../core/event.js";
import { limits } from "../limits.js";
import type { ClientJson } from "../vault/details.js";
import type { Clock } from "./clock.js";

/** What an action said. */
export interface ActionText {
  readonly action_content: string | null;
  readonly metadata: ClientJson;
}

/** What the action of a command says. Metadata without members is none, as for what is sealed. */
export function textOf({ content, metadata }: Pick<Intercept, "content" | "metadata">): ActionText {
  const is_empty = metadata === null || Object.keys(metadata).length === 0;
  return { action_content: content, metadata: is_empty ? null : metadata };
}

/** Where texts are kept. */
export interface TextStore {
  readonly rows: AbstractLevel<string | Buffer | Uint8Array, string, Buffer>;
  /** Writes over what was deleted. */
  compact(): Promise<void>;
}

export interface ActionTextsOptions {
  readonly store: TextStore;
  /** 32 bytes; texts under another key are lost. */
  readonly key: Uint8Array;
  /** Of the log: a text of another one does not open. */
  readonly origin: string;
}

const cipher = "aes-256-gcm";
const nonce_bytes = 12;
const tag_bytes = 16;
const row_version = 1;

export class ActionTexts {
  readonly #options: ActionTextsOptions | null;
  readonly #clock: Clock;
  /** What is not on disk yet, or could not be written. */
  readonly #unwritten = new Map<string, ActionText>();
  /** One step after the other: an erasure never overtakes the text that it is about. */
  #work: Promise<void> = Promise.resolve();
  /** Whether bytes of what was erased are still in the files; then a timer, if any, ends that. */
  #is_left = false;
  #callOff: (() => void) | null = null;

  /** @param options null: in memory alone, and lost with the process */
  constructor(options: ActionTextsOptions | null, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Erases what a crash has left of escalations that wait no more. */
  start(pending: ReadonlySet<string> | ReadonlyMap<string, unknown>): void {
    this.#next(async ({ store }) => {
      const keys = await store.rows.keys().all();
      const over = keys.filter((key) => !pending.has(key));
      if (over.length > 0) {
        await store.rows.batch(over.map((key) => ({ type: "del", key })));
        this.#compactSoon();
      }
    });
  }

  /** Keeps what an action said, in the turn in which it was decided. */
  onDecided(events: readonly Event[], text: (() => ActionText) | undefined): void {
    for (const event of events) {
      if (event.event === "escalation_opened" && text !== undefined) {
        this.#keep(event.escalation_id, text());
      }
    }
  }

  /** Erases what nobody has to see any more. */
  onSealed(events: readonly Event[]): void {
    for (const event of events) {
      if (event.event === "escalation_resolved") {
        this.#erase(event.escalation_id);
      }
    }
  }

  /** What an action said, or null when it is not there, or does not open. */
  async read(escalation_id: string): Promise<ActionText | null> {
    const unwritten = this.#unwritten.get(escalation_id);
    if (unwritten !== undefined) {
      return unwritten;
    }
    // What is being erased is read by nobody.
    await this.#work;
    const row = await this.#options?.store.rows.get(escalation_id);
    return this.#options === null || row === undefined ? null : opened(this.#options, escalation_id, row);
  }

  /** Everything asked for so far is done. */
  settle(): Promise<void> {
    return this.#work;
  }

  /** The same, and nothing that was erased is in the files any more. */
  async stop(): Promise<void> {
    await this.#work;
    this.#callOff?.();
    this.#compact();
    await this.#work;
  }

  #keep(escalation_id: string, text: ActionText): void {
    this.#unwritten.set(escalation_id, text);
    this.#next(async (options) => {
      const written = this.#unwritten.get(escalation_id);
      if (written !== undefined) {
        await options.store.rows.put(escalation_id, closed(options, escalation_id, written));
        this.#unwritten.delete(escalation_id);
      }
    });
  }

  #erase(escalation_id: string): void {
    this.#unwritten.delete(escalation_id);
    this.#next(async ({ store }) => {
      await store.rows.del(escalation_id);
      this.#compactSoon();
    });
  }

  /** A store that cannot be written stops the log, which says so: here a text is in memory or lost. */
  #next(step: (options: ActionTextsOptions) => Promise<void>): void {
    const options = this.#options;
    if (options !== null) {
      this.#work = this.#work.then(() => step(options)).catch(() => undefined);
    }
  }

  /** Not at once: those that are erased together are written over together. */
  #compactSoon(): void {
    this.#is_left = true;
    this.#callOff ??= this.#clock.after(limits.texts_erased_ms, () => this.#compact());
  }

  #compact(): void {
    this.#callOff = null;
    this.#next(async ({ store }) => {
      if (this.#is_left) {
        this.#is_left = false;
        await store.compact();
      }
    });
  }
}

function closed({ key, origin }: ActionTextsOptions, escalation_id: string, text: ActionText): Buffer {
  const nonce = randomBytes(nonce_bytes);
  const closing = createCipheriv(cipher, key, nonce, { authTagLength: tag_bytes });
  closing.setAAD(boundTo(origin, escalation_id));
  const bytes = Buffer.concat([closing.update(JSON.stringify(text), "utf8"), closing.final()]);
  return Buffer.concat([Buffer.of(row_version), nonce, bytes, closing.getAuthTag()]);
}

function opened({ key, origin }: ActionTextsOptions, escalation_id: string, row: Buffer): ActionText | null {
  const nonce = row.subarray(1, 1 + nonce_bytes);
  try {
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tag_bytes });
    opening.setAAD(boundTo(origin, escalation_id));
    opening.setAuthTag(row.subarray(-tag_bytes));
    const bytes = row.subarray(1 + nonce_bytes, -tag_bytes);
    const text = Buffer.concat([opening.update(bytes), opening.final()]);
    return JSON.parse(text.toString("utf8")) as ActionText;
  } catch {
    // Another key, or bytes that are damaged: there is no text.
    return null;
  }
}

/** A row that was moved to another escalation, or another log, does not open. */
function boundTo(origin: string, escalation_id: string): Buffer {
  return Buffer.from(`${origin}|${escalation_id}`, "utf8");
}
