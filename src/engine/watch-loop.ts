/** How every watch goes: all as it is, a bookmark, then each newer state as it comes, to the end. */
import type { Bell, Reader } from "./bell.js";
import type { Clock } from "./clock.js";

/** A sign of life. The first one that is not `draining` ends the snapshot. */
export interface Bookmark {
  readonly type: "bookmark";
  /** The watch ends here: the server is about to stop. */
  readonly draining: boolean;
  readonly revision: number;
}

/** One watch: what it is told of, and how it tells that. */
export interface Watch<Message> {
  readonly clock: Clock;
  readonly reader: Reader;
  readonly watcher: {
    readonly bell: Bell;
    /** Index since when changes were dropped, so that everything is told anew; null when none were. */
    takeOverflow(): number | null;
    /** The name of what changed and is not told yet, or null. */
    next(): string | null;
  };
  /** Why every watch is to end, or null. */
  readonly ended: () => Error | "draining" | null;
  /** Whether all that it names has come to its end. */
  readonly isOver: () => boolean;
  readonly everything: (from: number | null) => AsyncGenerator<Message, void, undefined>;
  readonly tell: (name: string) => AsyncGenerator<Message, void, undefined>;
  readonly bookmark: (draining: boolean) => Bookmark;
}

/**
 * The messages of a watch.
 *
 * @param from index up to which the reader knows everything from before, or null
 * @throws whatever ended the watches, or `reader.refuse` throws
 */
export async function* messagesOf<Message>(
  { clock, reader, watcher, ended, isOver, everything, tell, bookmark }: Watch<Message>,
  from: number | null,
): AsyncGenerator<Message | Bookmark, void, undefined> {
  yield* everything(from);
  if (!isOver()) {
    yield bookmark(false);
  }
  while (!isOver()) {
    const lost_since = watcher.takeOverflow();
    if (lost_since !== null) {
      yield* everything(lost_since);
    }
    const name = watcher.next();
    if (name !== null) {
      yield* tell(name);
      continue;
    }
    reader.refuse?.(true);
    const why = ended();
    if (why === "draining") {
      return yield bookmark(true);
    }
    if (why !== null) {
      throw why;
    }
    if (reader.signal.aborted) {
      return;
    }
    if (await watcher.bell.silent(clock, reader)) {
      yield bookmark(false);
    }
  }
}
