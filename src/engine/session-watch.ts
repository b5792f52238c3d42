/**
 * The messages of a watch of sessions: first all of them as they are, then a bookmark, then each
 * newer state. Between the messages nothing is kept but the names of what changed; the states are
 * read when the reader comes for them.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Session } from "../core/state.js";
import { limits } from "../limits.js";
import type { Reader } from "./bell.js";
import type { Clock } from "./clock.js";
import type { Projection } from "./projection.js";
import type { Selection, SessionWatcher } from "./session-watcher.js";
import { type Bookmark, messagesOf, type Watch } from "./watch-loop.js";

/** One message of a watch; `revision` is the index up to which everything has been told. */
export type Update =
  | { readonly type: "state"; readonly session: Session; readonly revision: number }
  | Bookmark;

/** What a watch is made from. */
export interface Source {
  readonly projection: Projection;
  readonly clock: Clock;
  /** Why every watch is to end, or null. */
  readonly ended: () => Error | "draining" | null;
  /** A session that is in memory, as it is now; watches that read it in the same moment share it. */
  readonly present: (session: Session) => Session;
  /** The watch is about this session no more. */
  readonly leave: (session_id: string) => void;
}

type Matches = Extract<Selection, { by: "filter" }>["matches"];

/** The messages of one watch, for a watcher that is told of changes already. */
export class SessionWatch {
  readonly #source: Source;
  readonly #watcher: SessionWatcher;
  readonly #reader: Reader;
  /** Sessions of a watch by ids that have not been told as stopped. */
  readonly #open: Set<string> | null;
  /** While everything is looked through: what was told before that. */
  #scan_base: number | null = null;

  constructor(source: Source, watcher: SessionWatcher, reader: Reader) {
    this.#source = source;
    this.#watcher = watcher;
    this.#reader = reader;
    this.#open = watcher.selection.by === "ids" ? new Set(watcher.selection.session_ids) : null;
  }

  /**
   * @param from index up to which the reader knows everything from before, or null
   * @throws whatever ended the watches, or `refuse` throws
   */
  updates(from: number | null): AsyncGenerator<Update, void, undefined> {
    const { clock, ended } = this.#source;
    const watch: Watch<Update> = {
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

  /** Every session of the selection as it is, those that have stopped first. */
  async *#everything(from: number | null): AsyncGenerator<Update, void, undefined> {
    // Until all is told nothing new is vouched for: who is cut off in the middle asks for all again.
    const base = from ?? this.#head;
    this.#scan_base = base;
    const { selection } = this.#watcher;
    if (selection.by === "filter") {
      yield* this.#stopsSince(from, selection.matches);
      yield* this.#liveOnes(base, selection.matches);
    } else {
      yield* this.#named(this.#open ?? new Set());
    }
    this.#scan_base = null;
  }

  async *#named(open: ReadonlySet<string>): AsyncGenerator<Update, void, undefined> {
    const { sessions } = this.#source.projection.state;
    const isLive = (session_id: string) => sessions.get(session_id)?.stop === null;
    const stopped = [...open].filter((session_id) => !isLive(session_id));
    const live = [...open].filter(isLive);
    const last = live.at(-1) ?? stopped.at(-1);
    for (const session_id of [...stopped, ...live]) {
      yield* this.#tellStops();
      if (session_id === last) {
        this.#scan_base = null;
      }
      if (open.has(session_id)) {
        yield* this.#tell(session_id);
      }
    }
    this.#scan_base = null;
  }

  /** Who comes back learns how sessions stopped meanwhile that it may have known as live. */
  async *#stopsSince(from: number | null, matches: Matches): AsyncGenerator<Update, void, undefined> {
    const through = this.#head;
    for (let after = from ?? through; after < through; ) {
      const chunk = await this.#source.projection.stopsBetween(after, through, limits.watch_stops_chunk);
      for (const session of chunk) {
        yield* this.#tellStops();
        if (matches(session, true)) {
          yield this.#state(session);
        }
      }
      after = chunk.at(-1)?.stop?.sequence ?? through;
    }
  }

  /** Those are told, too, that since `base` are no longer what they were asked for as. */
  async *#liveOnes(base: number, matches: Matches): AsyncGenerator<Update, void, undefined> {
    const isMeant = (session: Session) =>
      session.stop === null && matches(session, session.turn_sequence > base);
    let looked_at = 0;
    for (const session of this.#source.projection.state.sessions.values()) {
      looked_at += 1;
      if (looked_at % limits.watch_scan_chunk === 0) {
        await turn();
      }
      if (isMeant(session)) {
        yield* this.#tellStops();
      }
      // It may have stopped while others were told.
      if (isMeant(session)) {
        this.#watcher.forget(session.session_id);
        yield this.#state(this.#source.present(session));
      }
    }
  }

  async *#tellStops(): AsyncGenerator<Update, void, undefined> {
    for (
      let session_id = this.#watcher.nextStopped();
      session_id !== null;
      session_id = this.#watcher.nextStopped()
    ) {
      yield* this.#tell(session_id);
    }
  }

  /** Tells a session as it is now. */
  async *#tell(session_id: string): AsyncGenerator<Update, void, undefined> {
    this.#watcher.forget(session_id);
    const { projection, present } = this.#source;
    const here = projection.state.sessions.get(session_id);
    // One that is not in memory has stopped, and changes no more.
    const session = here === undefined ? await projection.session(session_id) : present(here);
    if (session === null) {
      return;
    }
    if (session.stop !== null && this.#open !== null) {
      this.#open.delete(session_id);
      this.#source.leave(session_id);
    }
    yield this.#state(session);
  }

  #state(session: Session): Update {
    this.#reader.refuse?.(false);
    return { type: "state", session, revision: this.#scan_base ?? this.#watcher.told(this.#head) };
  }
}
