/**
 * The one watch that all sessions of a client share. It is a handful of streams: a new session opens a
 * small one beside those that serve, which takes over the sessions of others that are no larger, so
 * that n sessions have at most log n streams, and none is told again and again because others come. A
 * stream goes only when the one that takes over has told its snapshot: nobody is unwatched for a
 * moment. The snapshot also tells a stop that came before the watch was up.
 */
import { Code, type ConnectError } from "@connectrpc/connect";
import type { WatchSessionsResponse, Session as WireSession } from "../gen/killcord/v1/session_pb.js";
import type { Connection } from "./connection.js";
import { failureKind } from "./failure.js";
import { backoffMs, type Timer } from "./platform.js";
import { fell_silent, openStream, type StreamEnd } from "./stream.js";

/** A session that is watched. */
export interface Watchable {
  readonly id: string;
  /** @param revision index in the log; states of a lower one are old news */
  learn(session: WireSession, revision: bigint): void;
  /** Whether it has to ask for its state, because no stream tells it. */
  poll(polling: boolean): void;
  /** The server refuses the watch: find out whether it refuses this session. */
  ask(): void;
  /** The log is another one: revisions begin anew. */
  forgetRevision(): void;
}

interface Stream {
  readonly ids: ReadonlySet<string>;
  /** Those that go when this one has told its snapshot. */
  readonly replaced: readonly Stream[];
  abort(): void;
  /** Whether its snapshot was told. */
  whole: boolean;
  /** Whether it is about to end, so that its sessions need another. */
  leaving: boolean;
}

/** New sessions within this time share one new stream. */
const gather_ms = 10;
/** Sessions that one stream may name. */
const ids_max = 10_000;
/** Before another try where streams seem to be impossible. */
const impossible_retry_ms = 30_000;

export class Watch {
  readonly #connection: Connection;
  readonly #watched = new Map<string, Watchable>();
  /** Streams that have told their snapshot. */
  readonly #serving = new Set<Stream>();
  #coming: Stream | null = null;
  #timer: Timer | null = null;
  #token = "";
  #failures = 0;
  #polling = false;
  readonly #stopRenewals: () => void;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#stopRenewals = connection.onRenewal(() => this.#reopen());
  }

  follow(session: Watchable): void {
    this.#watched.set(session.id, session);
    session.poll(this.#polling);
    if (this.#coming === null && this.#failures === 0) this.#openIn(this.#serving.size === 0 ? 0 : gather_ms);
  }

  forget(id: string): void {
    if (this.#watched.delete(id) && this.#watched.size === 0) this.#leave();
  }

  close(): void {
    this.#stopRenewals();
    this.#watched.clear();
    this.#leave();
  }

  #leave(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const stream of this.#serving) stream.abort();
    this.#serving.clear();
    this.#coming?.abort();
    this.#coming = null;
    this.#failures = 0;
  }

  /** The channel was given up, and with it the streams on it: another is opened beside them. */
  #reopen(): void {
    if (this.#watched.size === 0) return;
    this.#coming?.abort();
    this.#coming = null;
    for (const stream of this.#serving) stream.leaving = true;
    this.#openIn(0);
  }

  #openIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#connection.platform.clock.after(ms, () => this.#open());
  }

  #open(): void {
    this.#timer = null;
    if (this.#coming !== null) return;
    const ids = new Set([...this.#unserved()].slice(0, ids_max));
    if (ids.size === 0) return;
    const { services, platform } = this.#connection;
    const stream: Stream = {
      ids,
      replaced: this.#takeOver(ids),
      abort: () => {},
      whole: false,
      leaving: false,
    };
    this.#coming = stream;
    stream.abort = openStream(
      services,
      platform.clock,
      { sessionIds: [...ids], resumeToken: this.#token },
      {
        message: (message) => this.#read(stream, message),
        end: (how) => {
          if (how.kind === "silent") this.#connection.leave(services, fell_silent);
          this.#ended(stream, how);
        },
      },
    );
  }

  /** The sessions that no stream serves, or one that is about to end. */
  #unserved(): Set<string> {
    const ids = new Set(this.#watched.keys());
    for (const stream of this.#serving) {
      if (!stream.leaving) for (const id of stream.ids) ids.delete(id);
    }
    return ids;
  }

  /** Adds to `ids` the sessions of streams that need not go on beside a new one of these. */
  #takeOver(ids: Set<string>): readonly Stream[] {
    const replaced: Stream[] = [];
    const live = (stream: Stream) => [...stream.ids].filter((id) => this.#watched.has(id));
    const bySize = [...this.#serving]
      .map((stream) => ({ stream, live: live(stream) }))
      .sort((a, b) => a.live.length - b.live.length);
    for (const { stream, live } of bySize) {
      const others = live.filter((id) => !ids.has(id));
      if (others.length + ids.size > ids_max || (!stream.leaving && live.length > ids.size)) continue;
      for (const id of others) ids.add(id);
      replaced.push(stream);
    }
    return replaced;
  }

  #read(stream: Stream, { update, revision, resumeToken }: WatchSessionsResponse): void {
    this.#connection.answered();
    this.#token = resumeToken;
    switch (update.case) {
      case "session":
        this.#watched.get(update.value.sessionId)?.learn(update.value, revision);
        return;
      case "bookmark":
        if (!stream.whole) this.#serve(stream);
        if (update.value.draining) {
          stream.leaving = true;
          this.#openIn(this.#connection.platform.random() * 500);
        }
        return;
      default:
      // A message of a newer server.
    }
  }

  #serve(stream: Stream): void {
    stream.whole = true;
    for (const each of stream.replaced) {
      each.abort();
      this.#serving.delete(each);
    }
    this.#serving.add(stream);
    this.#coming = null;
    this.#failures = 0;
    this.#setPolling(false);
    if (this.#unserved().size > 0) this.#openIn(gather_ms);
  }

  #ended(stream: Stream, how: StreamEnd): void {
    if (stream === this.#coming) this.#coming = null;
    this.#serving.delete(stream);
    if (this.#unserved().size === 0) return;
    this.#failures += 1;
    const { random } = this.#connection.platform;
    this.#openIn(Math.max(this.#judge(how), backoffMs(random, this.#failures)));
  }

  #judge(how: StreamEnd): number {
    switch (how.kind) {
      case "complete":
        return 0;
      case "silent":
        return 0;
      case "mute":
        return this.#impossible("no message came within 10 s");
      case "failed":
        return this.#judgeFailure(how.error);
    }
  }

  #judgeFailure(error: ConnectError): number {
    if (error.code === Code.Unimplemented) return this.#impossible(error.rawMessage);
    if (error.code === Code.DataLoss) {
      this.#connection.once(
        `the log of ${this.#connection.url} is not the one seen before: it was rolled back or replaced`,
      );
      this.#token = "";
      for (const session of this.#watched.values()) session.forgetRevision();
      return 0;
    }
    if (failureKind(error) === "passing") {
      this.#connection.failing(error);
      return 0;
    }
    for (const session of [...this.#watched.values()]) session.ask();
    return 1000;
  }

  #impossible(why: string): number {
    this.#connection.once(
      `streams do not come through from ${this.#connection.url} (${why}): sessions ask for their state every second`,
    );
    this.#setPolling(true);
    return impossible_retry_ms;
  }

  #setPolling(polling: boolean): void {
    if (this.#polling === polling) return;
    this.#polling = polling;
    for (const session of [...this.#watched.values()]) session.poll(polling);
  }
}
