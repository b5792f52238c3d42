/** What goes into the engine with a command, and what comes out. */
import type { Reply } from "../core/decision.js";
import type { Event } from "../core/event.js";
import type { SealedEntry } from "../vault/entry.js";

/** What comes with a command and is none of the core's business. */
export interface Enclosed {
  /** Canonical details of the decision's entry. */
  readonly details?: string | null;
  /** The details in their short form, for an entry that has no room for them. */
  readonly brief?: () => { readonly details: string | null; readonly details_digest: string | null };
  /** Canonical text of a request with an idempotency key. */
  readonly request?: string | null;
  /** Whether it is a sign of life of the session's client, as every intercept is. */
  readonly renews?: boolean;
  /** performance.now() when the request came in. */
  readonly received_ms?: number;
}

/** What a command led to, told after all of it is durable. */
export interface Outcome {
  readonly reply: Reply;
  readonly events: readonly Event[];
  /** The sealed entry of each event, in the same order. */
  readonly entries: readonly SealedEntry[];
}
