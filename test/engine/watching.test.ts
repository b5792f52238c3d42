import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import type { Decision } from "../../src/core/decision.js";
import type { Session } from "../../src/core/state.js";
import { engineClock } from "../../src/engine/clock.js";
import { DerivedRows } from "../../src/engine/derived.js";
import { Follower } from "../../src/engine/follower.js";
import { Projection } from "../../src/engine/projection.js";
import type { Update } from "../../src/engine/session-watch.js";
import { limits } from "../../src/limits.js";
import { Workspace } from "../core/workspace.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { end, intercept, kill, start } from "./asked.js";
import { ManualTime } from "./manual-time.js";
import { newPlace, type Place, type Running } from "./place.js";

/** A reader that takes one message at a time, when a test says so. */
class Reader {
  readonly updates: Update[] = [];
  readonly #abort = new AbortController();
  readonly #watch: AsyncGenerator<Update, void, undefined>;
  ended = false;

  constructor(running: Running, session_id: string) {
    this.#watch = running.engine.follower.session(session_id, { signal: this.#abort.signal });
  }

  async next(): Promise<Update | null> {
    const { value, done } = await this.#watch.next();
    this.ended ||= done === true;
    if (value) {
      this.updates.push(value);
    }
    return value ?? null;
  }

  /** The next state; the bookmark that ends the snapshot is passed over. */
  async state(): Promise<Session> {
    let update = await this.next();
    if (update?.type === "bookmark" && this.updates.length === 2) {
      update = await this.next();
    }
    if (update?.type !== "state") {
      throw new Error(`a state was expected, not ${update?.type}`);
    }
    return update.session;
  }

  /** Reads until the watch ends. */
  async rest(): Promise<void> {
    while (!this.ended) {
      await this.next();
    }
  }

  abandon(): Promise<unknown> {
    return this.#watch.return();
  }

  abort(): void {
    this.#abort.abort();
  }
}

describe("a watch", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    await running.engine.submit(start(running.admin, "s1", { max_actions: 100 }));
  });

  afterEach(() => place.remove());

  it("begins with the present state", async () => {
    await running.engine.submit(intercept(running.admin, "s1"));
    const state = await new Reader(running, "s1").state();
    expect(state).to.deep.include({ session_id: "s1", status: "active" });
    expect(state.actions.spent).to.equal(1);
  });

  it("tells each change that its reader waits for", async () => {
    const { engine, admin } = running;
    const reader = new Reader(running, "s1");
    await reader.state();
    for (const spent of [1, 2, 3]) {
      const next = reader.state();
      await engine.submit(intercept(admin, "s1"));
      expect((await next).actions.spent).to.equal(spent);
    }
  });

  it("tells a slow reader only the newest state", async () => {
    const { engine, admin } = running;
    const reader = new Reader(running, "s1");
    await reader.state();
    for (let i = 0; i < 5; i++) {
      await engine.submit(intercept(admin, "s1"));
    }
    expect((await reader.state()).actions.spent).to.equal(5);
    await engine.submit(kill(admin, "s1"));
    expect((await reader.state()).status).to.equal("killed");
    expect(await reader.next()).to.equal(null);
  });

  it("of a stopped session tells its state and ends", async () => {
    await running.engine.submit(kill(running.admin, "s1", "done"));
    const reader = new Reader(running, "s1");
    await reader.rest();
    expect(
      reader.updates.map((update) => update.type === "state" && update.session.stop?.reason),
    ).to.deep.equal(["done"]);
  });

  it("of a stopped session that left memory does so too", async () => {
    const small = await newPlace();
    try {
      const other = await small.start({ engine: { stopped_sessions: 0 } });
      await other.engine.submit(start(other.admin, "s1"));
      const reader = new Reader(other, "s1");
      await reader.state();
      await other.engine.submit(kill(other.admin, "s1"));
      expect(other.engine.state.sessions.has("s1")).to.equal(false);
      expect((await reader.state()).status).to.equal("killed");
      const late = new Reader(other, "s1");
      expect((await late.state()).status).to.equal("killed");
      await late.rest();
    } finally {
      await small.remove();
    }
  });

  it("of a parent tells the actions and not the stops of its sub-sessions", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1.1", { parent_session_id: "s1" }));
    const reader = new Reader(running, "s1");
    await reader.state();
    const next = reader.state();
    await engine.submit(intercept(admin, "s1.1"));
    expect((await next).actions.spent).to.equal(1);
    await engine.submit(end(admin, "s1.1"));
    const last = reader.state();
    await engine.submit(kill(admin, "s1"));
    expect((await last).status).to.equal("killed");
  });

  it("of a sub-session tells that it stopped with its parent", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1.1", { parent_session_id: "s1" }));
    const reader = new Reader(running, "s1.1");
    await reader.state();
    await engine.submit(kill(admin, "s1"));
    expect(await reader.state()).to.include({ status: "killed" });
  });

  it("tells nothing before it is sealed", async () => {
    const held = await newPlace();
    try {
      const journal = new UnsyncedJournal(held.disk);
      const other = await held.start({ journal });
      await other.engine.submit(start(other.admin, "s1"));
      journal.hold();
      const killed = other.engine.submit(kill(other.admin, "s1"));
      await journal.held();
      const reader = new Reader(other, "s1");
      expect((await reader.state()).status).to.equal("active");
      const next = reader.state();
      journal.release();
      await killed;
      expect((await next).status).to.equal("killed");
    } finally {
      await held.remove();
    }
  });

  it("bears the index up to which everything was told, and never one back", async () => {
    const { engine, admin } = running;
    const reader = new Reader(running, "s1");
    await reader.next();
    await reader.next();
    for (let i = 0; i < 10; i++) {
      const update = await Promise.all([reader.next(), engine.submit(intercept(admin, "s1"))]);
      const { type, revision } = update[0] as Update;
      const session = (update[0] as Extract<Update, { type: "state" }>).session;
      expect(type).to.equal("state");
      // A later entry of the session has a greater index than what this message vouches for.
      const told = (await running.events()).filter(
        (event, index) => index <= revision && "session_id" in event && event.session_id === "s1",
      );
      expect(told.length).to.be.at.most(session.next_session_index);
    }
    const revisions = reader.updates.map(({ revision }) => revision);
    expect(revisions).to.deep.equal([...revisions].sort((a, b) => a - b));
  });

  it("says that it is alive when nothing else is to be said", async () => {
    const reader = new Reader(running, "s1");
    await reader.state();
    expect(await reader.next()).to.include({ type: "bookmark", draining: false });
    const next = reader.next();
    await running.settle();
    place.time.pass(limits.bookmark_ms_max);
    expect(await next).to.include({ type: "bookmark", draining: false });
    const after = reader.next();
    await running.settle();
    place.time.pass(limits.bookmark_ms_min - 1);
    await running.engine.submit(intercept(running.admin, "s1"));
    expect(await after).to.include({ type: "state" });
  });

  it("ends with a bookmark that says so when the server drains", async () => {
    const { engine, admin } = running;
    const waiting = new Reader(running, "s1");
    await waiting.state();
    await waiting.next();
    const last = waiting.next();
    const slow = new Reader(running, "s1");
    await slow.state();
    await engine.submit(intercept(admin, "s1"));
    await engine.stop();
    await last;
    await waiting.rest();
    await slow.rest();
    for (const reader of [waiting, slow]) {
      const [before, bookmark] = reader.updates.slice(-2) as [Update, Update];
      expect(before.type === "state" && before.session.actions.spent).to.equal(1);
      expect(bookmark).to.include({ type: "bookmark", draining: true });
    }
  });

  it("that begins when the server has ended tells the state and ends", async () => {
    await running.engine.stop();
    const reader = new Reader(running, "s1");
    await reader.rest();
    expect(reader.updates.map(({ type }) => type)).to.deep.equal(["state", "bookmark", "bookmark"]);
  });

  it("leaves nothing behind when its reader goes", async () => {
    const { engine } = running;
    const tasks = place.time.tasks;
    const abandoned = new Reader(running, "s1");
    await abandoned.state();
    expect(engine.follower.watchers).to.equal(1);
    await abandoned.abandon();
    expect(engine.follower.watchers).to.equal(0);

    const aborted = new Reader(running, "s1");
    await aborted.state();
    await aborted.next();
    const blocked = aborted.next();
    await running.settle();
    expect(place.time.tasks).to.equal(tasks + 1);
    aborted.abort();
    expect(await blocked).to.equal(null);
    expect(engine.follower.watchers).to.equal(0);
    expect(place.time.tasks).to.equal(tasks);
  });
});

describe("a change that is sealed while a watch reads the state", () => {
  it("is told next, and not vouched for before", async () => {
    const workspace = new Workspace(false);
    const admin = workspace.bootstrap();
    workspace.submit(start(admin, "s1"));
    const projection = new Projection(new DerivedRows(new MemoryLevel<string, string>(), () => {}));
    projection.onSealed(workspace.log);
    const follower = new Follower(projection, engineClock(0, new ManualTime()));
    const watch = follower.session("s1", { signal: new AbortController().signal });
    const told: Update[] = [];
    const take = async () => told.push((await watch.next()).value as Update);
    const seal = ({ events }: Decision) => {
      projection.onSealed(events);
      follower.onSealed(events);
    };
    // What is sealed in the turns in which the state is read is in it, or comes after it.
    for (let i = 0; i < 4; i++) {
      const taken = take();
      seal(workspace.submit(intercept(admin, "s1")));
      await Promise.resolve();
      seal(workspace.submit(intercept(admin, "s1")));
      await taken;
    }
    seal(workspace.submit(kill(admin, "s1")));
    await take();
    for (const update of told) {
      const sealed = workspace.log.slice(0, update.revision + 1);
      const spent = sealed.filter(({ event }) => event === "enforcement_decision").length;
      if (update.type === "state") {
        expect(update.session.actions.spent).to.be.at.least(spent);
      }
    }
    expect(told.map(({ type }) => type)).to.include("bookmark");
    expect(told.at(-1)).to.have.nested.property("session.status", "killed");
  });
});

describe("no end is lost", () => {
  let place: Place;

  before(async () => {
    place = await newPlace();
    await place.start();
  });

  after(() => place.remove());

  it("every watcher is told its session's end, however readers and events interleave", async () => {
    const acts = fc.array(fc.constantFrom("act", "read", "turn", "watch", "child"), { maxLength: 30 });
    const ends = fc.constantFrom("kill", "end", "expire", "exceed");
    const property = fc.asyncProperty(acts, ends, acts, fc.boolean(), async (before, how, after, small) => {
      await place.begin();
      const running = await place.start({ engine: small ? { stopped_sessions: 0 } : {} });
      const { engine, admin } = running;
      const budget = { max_actions: 1000, ttl_seconds: 60 };
      await engine.submit(start(admin, "s1", budget));
      await engine.submit(start(admin, "s1.1", { parent_session_id: "s1" }));
      const readers = [new Reader(running, "s1"), new Reader(running, "s1.1")];
      const waiting: Promise<unknown>[] = [];
      const reading = new Map<Reader, Promise<unknown>>();
      const take = async (act: string, i: number) => {
        const reader = readers[i % readers.length] as Reader;
        if (act === "turn") {
          await new Promise<void>((resolve) => setImmediate(resolve));
        } else if (act === "watch") {
          readers.push(new Reader(running, i % 2 === 0 ? "s1" : "s1.1"));
        } else if (act === "read") {
          reading.set(
            reader,
            (reading.get(reader) ?? Promise.resolve()).then(() => reader.next()),
          );
        } else {
          waiting.push(engine.submit(intercept(admin, act === "act" ? "s1" : "s1.1")));
        }
      };
      for (const [i, act] of before.entries()) {
        await take(act, i);
      }
      if (how === "expire") {
        place.time.pass(60_000);
      } else if (how === "exceed") {
        const all = Array.from({ length: 1001 }, () => engine.submit(intercept(admin, "s1.1")));
        waiting.push(...all);
      } else {
        waiting.push(engine.submit(how === "kill" ? kill(admin, "s1") : end(admin, "s1")));
      }
      for (const [i, act] of after.entries()) {
        await take(act, i);
      }
      await Promise.all(waiting);
      await Promise.all([...reading.values()]);
      await Promise.all(readers.map((reader) => reader.rest()));
      for (const reader of readers) {
        const states = reader.updates.flatMap((update) => (update.type === "state" ? [update.session] : []));
        expect(states.filter(({ stop }) => stop !== null)).to.have.lengthOf(1);
        expect(states.at(-1)?.stop).to.not.equal(null);
      }
      expect(engine.follower.watchers).to.equal(0);
      await engine.stop();
    });
    await fc.assert(property, { numRuns: 60 });
  }).timeout(60_000);
});
