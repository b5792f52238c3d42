/**
 * The watches of escalations, and the messages of one: first those that are, then a bookmark, then each
 * newer state. The states are read when the reader comes for them.
 */
import type { Event } from "../core/event.js";
import { limits } from "../limits.js";
import type { Bell, Reader } from "./bell.js";
import type { Clock } from "./clock.js";
import type { EscalationRow } from "./escalation-rows.js";
import type { EscalationWatcher } from "./escalation-watcher.js";
import type { Projection } from "./projection.js";
import { type Bookmark, messagesOf, type Watch } from "./watch-loop.js";

/** One message of a watch; `revision` is the index up to which everything has been told. */
export type EscalationUpdate =
  | { readonly type: "escalation"; readonly escalation: EscalationRow; readonly revision: number }
  | Bookmark;

/** Who watches what. */
export class EscalationWatches {
  readonly #by_id = new Map<string, Set<EscalationWatcher>>();
  readonly #by_filter = new Set<EscalationWatcher>();

  add(watcher: EscalationWatcher): void {
    if (watcher.selection.by === "filter") {
      this.#by_filter.add(watcher);
      return;
    }
    for (const escalation_id of watcher.selection.escalation_ids) {
      const watchers = this.#by_id.get(escalation_id) ?? new Set();
      this.#by_id.set(escalation_id, watchers.add(watcher));
    }
  }

  remove(watcher: EscalationWatcher): void {
    this.#by_filter.delete(watcher);
    const { selection } = watcher;
    for (const escalation_id of selection.by === "ids" ? selection.escalation_ids : []) {
      const watchers = this.#by_id.get(escalation_id);
      watchers?.delete(watcher);
      if (watchers?.size === 0) {
        this.#by_id.delete(escalation_id);
      }
    }
  }

  /** Notes what a sealed event changed, and gives the bells of who is to look. */
  *mark(event: Event, sequence: number): Generator<Bell, void, undefined> {
    const escalation_id = changedBy(event);
    if (escalation_id === null) {
      return;
    }
    // Whose it is, is looked up when it is told: few watch by filter, and few actions wait.
    for (const watchers of [this.#by_id.get(escalation_id) ?? [], this.#by_filter]) {
      for (const watcher of watchers) {
        watcher.mark(escalation_id, sequence);
        yield watcher.bell;
      }
    }
  }
}

function changedBy(event: Event): string | null {
  switch (event.event) {
    case "escalation_opened":
    case "escalation_resolved":
      return event.escalation_id;
    case "enforcement_decision":
      // An allow that names one has used its approval.
      return event.decision === "allow" ? event.escalation_id : null;
    default:
      return null;
  }
}

/** What the messages of a watch are made from. */
export interface EscalationSource {
  readonly projection: Projection;
  readonly clock: Clock;
  /** Why every watch is to end, or null. */
  readonly ended: () => Error | "draining" | null;
}

/** The messages of one watch, for a watcher that is told of changes already. */
export class EscalationWatch {
  readonly #source: EscalationSource;
  readonly #watcher: EscalationWatcher;
  readonly #reader: Reader;
  /** Of a watch by ids those that have not been told as resolved. */
  readonly #open: Set<string> | null;
  /** While everything is looked through: what was told before that. */
  #scan_base: number | null = null;

  constructor(source: EscalationSource, watcher: EscalationWatcher, reader: Reader) {
    this.#source = source;
    this.#watcher = watcher;
    this.#reader = reader;
    this.#open = watcher.selection.by === "ids" ? new Set(watcher.selection.escalation_ids) : null;
  }

  /**
   * @param from index up to which the reader knows everything from before, or null
   * @throws whatever ended the watches, or `reader.refuse` throws
   */
  updates(from: number | null): AsyncGenerator<EscalationUpdate, void, undefined> {
    const { clock, ended } = this.#source;
    const watch: Watch<EscalationUpdate> = {
      clock,
      ended,
      reader: this.#reader,
      watcher: this.#watcher,
      isOver: () => this.#open?.size === 0,
      everything: (base) => this.#everything(base),
      tell: (name) => this.#tell(name),
      bookmark: (draining) => this.#bookmark(draining),
    };
    return messagesOf(watch, from);
  }

  get #head(): number {
    return this.#source.projection.size - 1;
  }

  #bookmark(draining: boolean): Bookmark {
    return { type: "bookmark", draining, revision: this.#watcher.told(this.#head) };
  }

  /** What was resolved since `from`, then all that is pending; or what is named. */
  async *#everything(from: number | null): AsyncGenerator<EscalationUpdate, void, undefined> {
    // Until all is told nothing new is vouched for: who is cut off in the middle asks for all again.
    this.#scan_base = from ?? this.#head;
    const { state, escalations } = this.#source.projection;
    if (this.#open === null) {
      const through = this.#head;
      for (let after = from ?? through; after < through; ) {
        const chunk = await escalations.resolvedBetween(after, through, limits.watch_stops_chunk);
        for (const { row } of chunk) {
          yield* this.#state(row);
        }
        after = chunk.at(-1)?.at ?? through;
      }
    }
    for (const escalation_id of [...(this.#open ?? state.escalations.keys())]) {
      yield* this.#tell(escalation_id);
    }
    this.#scan_base = null;
  }

  async *#tell(escalation_id: string): AsyncGenerator<EscalationUpdate, void, undefined> {
    const row = await this.#source.projection.escalations.named(escalation_id);
    if (row !== null) {
      yield* this.#state(row);
    }
  }

  *#state(escalation: EscalationRow): Generator<EscalationUpdate, void, undefined> {
    const { selection } = this.#watcher;
    if (selection.by === "filter" && !selection.matches(escalation)) {
      return;
    }
    this.#reader.refuse?.(false);
    if (escalation.resolved !== null) {
      this.#open?.delete(escalation.escalation_id);
    }
    const revision = this.#scan_base ?? this.#watcher.told(this.#head);
    yield { type: "escalation", escalation, revision };
  }
}
