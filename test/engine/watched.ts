/** A reader of watches as a client is one: it keeps what it was told and its token, and comes back with it. */
import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import type { Session } from "../../src/core/state.js";
import type { Engine } from "../../src/engine/engine.js";
import type { Update } from "../../src/engine/session-watch.js";
import type { Selection } from "../../src/engine/session-watcher.js";

/** What a selection is about, for good: the agent, or the ids. */
export type About = (session: Pick<Session, "agent_id" | "session_id">) => boolean;

export class WatchClient {
  /** The newest state that it was told, by session. */
  readonly known = new Map<string, Session>();
  readonly updates: Update[] = [];
  /** The revision of the last message, which stands for its token. */
  revision: number | null = null;
  /** Index of the entry from which on it has to know everything. */
  first: number | null = null;
  ended = false;
  /** Whether the snapshot of the present connection is complete. */
  complete = false;
  #connection = 0;
  #leave = new AbortController();
  #engine: Engine | null = null;
  #watch: AsyncGenerator<Update, void, undefined> | null = null;
  #pulling: Promise<void> | null = null;
  readonly selection: Selection;
  /** Whether sessions that were held when it came are told, too. */
  readonly tells_held: boolean;

  constructor(selection: Selection, tells_held = true) {
    this.selection = selection;
    this.tells_held = tells_held;
  }

  /** Connects, with its token if it has one; a connection before is cut, with all that was under way. */
  connect(engine: Engine): void {
    this.#leave.abort();
    this.#leave = new AbortController();
    this.#connection += 1;
    this.#engine = engine;
    this.ended = false;
    this.complete = false;
    this.#pulling = null;
    this.#watch = null;
  }

  /** Asks for one more message, unless one is asked for already; resolves when it is there. */
  pull(): Promise<void> {
    const connection = this.#connection;
    this.#pulling ??= this.#take(connection);
    return this.#pulling;
  }

  /** Reads to the end of the watch. */
  async rest(): Promise<void> {
    while (!this.ended) {
      await this.pull();
    }
  }

  async #take(connection: number): Promise<void> {
    if (this.#watch === null) {
      const { projection, follower } = this.#engine as Engine;
      // Without a token it knows nothing of what was before.
      if (this.revision === null) {
        this.first = projection.size - 1;
      }
      this.#watch = follower.sessions(this.selection, { signal: this.#leave.signal }, this.revision);
    }
    const step = await this.#watch.next();
    if (connection !== this.#connection) {
      return;
    }
    this.#pulling = null;
    if (step.done === true) {
      this.ended = true;
      return;
    }
    const update = step.value;
    this.updates.push(update);
    expect(update.revision, "the revision went back").to.be.at.least(this.revision ?? -1);
    this.revision = update.revision;
    if (update.type === "bookmark") {
      this.complete ||= !update.draining;
      return;
    }
    const before = this.known.get(update.session.session_id);
    if (before !== undefined) {
      expect(update.session.turn_sequence, "its status went back").to.be.at.least(before.turn_sequence);
      expect(update.session.actions.spent, "counts fell").to.be.at.least(before.actions.spent);
      expect(before.stop === null || update.session.stop !== null, "it came back to life").to.equal(true);
    }
    this.known.set(update.session.session_id, update.session);
  }

  /** Holds what it knows against the log: everything up to its revision, and nothing that is not there. */
  check(log: readonly Event[], about: About): void {
    if (!this.complete || this.first === null) {
      return;
    }
    for (const { session_id, counted, stopped, turned, is_held } of lives(log, this.revision ?? -1, about)) {
      if (stopped !== null && this.selection.by === "filter" && stopped <= this.first) {
        continue;
      }
      const known = this.known.get(session_id);
      if (known === undefined && is_held && turned <= this.first && !this.tells_held) {
        continue;
      }
      expect(known, `${session_id} is not known at ${this.revision}`).to.not.equal(undefined);
      expect(known?.actions.spent).to.be.at.least(counted);
      expect(known?.turn_sequence, `the status of ${session_id}`).to.be.at.least(turned);
      expect(stopped === null || known?.stop?.sequence === stopped, `the stop of ${session_id}`).to.equal(
        true,
      );
    }
    for (const known of this.known.values()) {
      expect(about(known)).to.equal(true);
      const now = [...lives(log, log.length, about)].find(
        ({ session_id }) => session_id === known.session_id,
      );
      const { turns = [] } = now ?? {};
      expect(turns, "a status that it never had").to.include(known.turn_sequence);
      expect(known.actions.spent, "invented").to.be.at.most(now?.counted ?? -1);
      expect(known.stop === null || known.stop.sequence === now?.stopped, "invented").to.equal(true);
    }
  }
}

interface Life {
  readonly session_id: string;
  agent_id: string | null;
  parent: string | null;
  counted: number;
  is_held: boolean;
  /** Indexes of what gave it a status, and the newest of them. */
  readonly turns: number[];
  turned: number;
  stopped: number | null;
}

/** What a log says of sessions up to an index, by a reading of its own. */
function lives(log: readonly Event[], through: number, about: About): readonly Life[] {
  const all = new Map<string, Life>();
  for (const [index, event] of log.slice(0, through + 1).entries()) {
    if (event.event === "session_started") {
      const { session_id, agent_id, parent_session_id } = event;
      const fresh = { session_id, agent_id, parent: parent_session_id, counted: 0, stopped: null };
      all.set(session_id, { ...fresh, is_held: false, turns: [index], turned: index });
    } else if (event.event === "enforcement_decision" && event.decision !== "terminate") {
      const path: Life[] = [];
      for (let id = event.session_id; id !== null; id = all.get(id)?.parent ?? null) {
        path.push(all.get(id) as Life);
      }
      for (const life of path.some((above) => above.is_held) ? [] : path) {
        life.counted += 1;
      }
    } else if (event.event === "session_paused" || event.event === "session_resumed") {
      const life = all.get(event.session_id) as Life;
      life.is_held = event.event === "session_paused";
      life.turns.push(index);
      life.turned = index;
    } else if (
      event.event === "session_killed" ||
      event.event === "session_ended" ||
      event.event === "session_expired"
    ) {
      const life = all.get(event.session_id);
      if (life !== undefined) {
        life.stopped ??= index;
        life.is_held = false;
        life.turns.push(index);
        life.turned = index;
      }
    }
  }
  return [...all.values()].filter(about);
}
