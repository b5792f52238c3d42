import { expect } from "chai";
import type { Session } from "../../src/core/state.js";
import type { Reader } from "../../src/engine/bell.js";
import type { Update } from "../../src/engine/session-watch.js";
import type { Selection } from "../../src/engine/session-watcher.js";
import { limits } from "../../src/limits.js";
import { createKey, end, intercept, kill, pause, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

const everything: Selection = { by: "filter", agent_id: null, matches: () => true };
const forever = () => ({ signal: new AbortController().signal });

describe("a watch of many sessions", () => {
  let place: Place;
  let running: Running;
  beforeEach(async () => {
    place = await newPlace();
    running = await place.start({ engine: { stopped_sessions: 0 } });
    for (const session_id of ["s1", "s2", "s3"]) {
      await running.engine.submit(start(running.admin, session_id, { agent_id: `agent-of-${session_id}` }));
    }
  });
  afterEach(() => place.remove());

  const watch = (selection: Selection = everything, from: number | null = null, reader: Reader = forever()) =>
    running.engine.follower.sessions(selection, reader, from);
  const ids = (...session_ids: string[]): Selection => ({ by: "ids", session_ids });
  const act = (session_id: string) => running.engine.submit(intercept(running.admin, session_id));
  const stop = (session_id: string) => running.engine.submit(kill(running.admin, session_id));

  /** The next messages as words: `s1:active:2` is a state with what is spent, `|` a bookmark, `.` the end. */
  async function told(updates: AsyncGenerator<Update>, count: number): Promise<string> {
    const words: string[] = [];
    while (words.length < count) {
      const { value, done } = await updates.next();
      words.push(done === true ? "." : wordOf(value as Update));
    }
    return words.join(" ");
  }

  it("by a filter begins with the live ones, and tells how each stops", async () => {
    await stop("s2");
    const updates = watch();
    expect(await told(updates, 3)).to.equal("s1:active:0 s3:active:0 |");
    await act("s1");
    expect(await told(updates, 1)).to.equal("s1:active:1");
    await stop("s1");
    await running.engine.submit(end(running.admin, "s3"));
    await running.engine.submit(start(running.admin, "s4"));
    expect(await told(updates, 3)).to.equal("s1:killed:1 s3:ended:0 s4:active:0");
  });

  it("by ids begins with those that have stopped, and ends when all have", async () => {
    await stop("s2");
    const updates = watch(ids("s1", "s2", "s3"));
    expect(await told(updates, 4)).to.equal("s2:killed:0 s1:active:0 s3:active:0 |");
    await stop("s3");
    await stop("s1");
    expect(await told(updates, 3)).to.equal("s3:killed:0 s1:killed:0 .");
    expect(running.engine.follower.watchers).to.equal(0);
    expect(await told(watch(ids("s1", "s2")), 3)).to.equal("s1:killed:0 s2:killed:0 .");
  });

  it("tells stops before everything else, and of the rest the newest state alone", async () => {
    const updates = watch();
    await told(updates, 4);
    await act("s1");
    await act("s2");
    await act("s1");
    await stop("s3");
    expect(await told(updates, 3)).to.equal("s3:killed:0 s1:active:2 s2:active:1");
  });

  it("tells a stop in the middle of a snapshot, before the rest of it", async () => {
    const updates = watch();
    expect(await told(updates, 1)).to.equal("s1:active:0");
    await stop("s1");
    await stop("s3");
    expect(await told(updates, 4)).to.equal("s1:killed:0 s3:killed:0 s2:active:0 |");
  });

  it("vouches in a snapshot only for what was told before it", async () => {
    const token = running.engine.projection.size - 1;
    await stop("s2");
    await act("s1");
    const updates = watch(everything, token);
    const revisions = [];
    for (let i = 0; i < 4; i += 1) {
      revisions.push(((await updates.next()).value as Update).revision);
    }
    const head = running.engine.projection.size - 1;
    expect(revisions).to.deep.equal([token, token, token, head]);
  });

  describe("of active sessions alone", () => {
    const active: Selection = {
      by: "filter",
      agent_id: null,
      matches: ({ status, stop }, has_turned) => status === "active" || stop !== null || has_turned,
    };
    const hold = (session_id: string) => running.engine.submit(pause(running.admin, session_id));

    it("vouches for no start that a hold in the same write has overtaken, before it tells the hold", async () => {
      const updates = watch(active);
      await told(updates, 4);
      const before = running.engine.projection.size;
      // While the first is written, the others gather for one write.
      await Promise.all([
        running.engine.submit(createKey(["auditor"])),
        running.engine.submit(start(running.admin, "s4")),
        hold("s4"),
        stop("s2"),
      ]);
      const first = (await updates.next()).value as Update;
      expect(wordOf(first)).to.equal("s2:killed:0");
      expect(first.revision, "the start of s4 is after it").to.be.at.most(before);
      expect(await told(updates, 1)).to.equal("s4:paused:0");
    });

    it("tells those that are held while it looks through all", async () => {
      const updates = watch(active);
      expect(await told(updates, 1)).to.equal("s1:active:0");
      await hold("s3");
      expect(await told(updates, 3)).to.equal("s2:active:0 s3:paused:0 |");
    });
  });

  it("with a token tells how sessions stopped since it, and not those before", async () => {
    await stop("s1");
    const token = running.engine.projection.size - 1;
    await running.engine.submit(start(running.admin, "s4"));
    await stop("s4");
    await stop("s2");
    expect(await told(watch(everything, token), 4)).to.equal("s4:killed:0 s2:killed:0 s3:active:0 |");
    expect(await told(watch(), 2)).to.equal("s3:active:0 |");
  });

  it("hears only of the sessions that it is about", async () => {
    const matches = ({ agent_id }: Session) => agent_id === "agent-of-s2";
    const of_agent = watch({ by: "filter", agent_id: "agent-of-s2", matches });
    const of_one = watch(ids("s2"));
    expect(await told(of_agent, 2)).to.equal("s2:active:0 |");
    expect(await told(of_one, 2)).to.equal("s2:active:0 |");
    await act("s1");
    await stop("s3");
    await act("s2");
    expect(await told(of_agent, 1)).to.equal("s2:active:1");
    expect(await told(of_one, 1)).to.equal("s2:active:1");
  });

  it("of which more changed than it keeps apart loses no stop", async () => {
    const small = await newPlace();
    try {
      running = await small.start({ engine: { stopped_sessions: 0, watch_changes: 2 } });
      const names = ["a", "b", "c", "d", "e", "f"];
      for (const name of names) {
        await running.engine.submit(start(running.admin, name));
      }
      const updates = watch();
      await told(updates, 7);
      await act("a");
      await act("b");
      for (const name of ["c", "d", "e"]) {
        await stop(name);
      }
      const after = (await told(updates, 6)).split(" ");
      expect(after.slice(0, 3)).to.deep.equal(["c:killed:0", "d:killed:0", "e:killed:0"]);
      expect(after).to.include.members(["a:active:1", "b:active:1"]);
    } finally {
      await small.remove();
    }
  });

  it("is called off in the middle of its snapshot when the server drains", async () => {
    const leave = new AbortController();
    const updates = watch(everything, null, { signal: leave.signal });
    await told(updates, 1);
    running.engine.follower.end("draining");
    leave.abort();
    const rest: Update[] = [];
    for await (const update of updates) {
      rest.push(update);
    }
    expect(rest.at(-1)).to.include({ type: "bookmark", draining: true });
  });

  it("is asked again at the moment in which its key expires", async () => {
    const { clock, follower } = running.engine;
    const until = clock.now() + 3000;
    const refuse = () => {
      if (clock.now() >= until) {
        throw new Error("expired");
      }
    };
    const readers = [
      follower.sessions(everything, { ...forever(), until, refuse }),
      follower.session("s1", { ...forever(), until, refuse }),
      follower.entries(running.engine.projection.size, { ...forever(), until, refuse }),
    ];
    for (const reader of readers) {
      for (let seen = ""; seen !== "bookmark"; ) {
        seen = ((await reader.next()).value as { type: string }).type;
      }
    }
    const ended = readers.map((reader) => reader.next().then(String, (error: Error) => error.message));
    await running.settle();
    place.time.pass(2999);
    await running.settle();
    expect(follower.watchers).to.equal(3);
    place.time.pass(1);
    expect(limits.bookmark_ms_min).to.be.above(3000);
    expect(await Promise.all(ended)).to.deep.equal(["expired", "expired", "expired"]);
  });

  it("wakes many readers over several turns, those of a stop first", async () => {
    const count = limits.watch_wakes * 2;
    const order: string[] = [];
    const readers = Array.from({ length: count }, () => watch(ids("s1"))).concat(watch(ids("s2")));
    const waiting = [];
    for (const updates of readers) {
      await told(updates, 2);
      waiting.push(told(updates, 1).then((word) => order.push(word)));
    }
    await running.settle();
    await Promise.all([act("s1"), stop("s2")]);
    await Promise.all(waiting);
    expect(order.indexOf("s2:killed:0")).to.be.below(limits.watch_wakes);
    expect(order).to.have.length(count + 1);
  });
});

describe("a watch of entries", () => {
  let place: Place;
  let running: Running;
  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });
  afterEach(() => place.remove());

  /** Indexes that are told, and `|` for a bookmark, until `count` of them are there. */
  async function told(
    entries: ReturnType<Running["engine"]["follower"]["entries"]>,
    count: number,
  ): Promise<readonly (number | string)[]> {
    const all: (number | string)[] = [];
    while (all.length < count) {
      const { value, done } = await entries.next();
      if (done === true) {
        return [...all, "."];
      }
      if (value.type === "bookmark") {
        all.push(value.draining ? "draining" : "|");
      } else {
        all.push(...Array.from({ length: value.to - value.from }, (_, i) => value.from + i));
      }
    }
    return all;
  }

  it("tells those that are there, a bookmark, and each that comes, in order", async () => {
    const { engine, admin } = running;
    const size = engine.projection.size;
    const entries = engine.follower.entries(0, forever());
    expect(await told(entries, size + 1)).to.deep.equal([...Array(size).keys(), "|"]);
    const next = told(entries, 1);
    await engine.submit(start(admin, "s1"));
    expect(await next).to.deep.equal([size]);
    const many = 3 * limits.watch_entries_chunk;
    await Promise.all(Array.from({ length: many }, () => engine.submit(intercept(admin, "s1"))));
    expect(await told(entries, many)).to.deep.equal(Array.from({ length: many }, (_, i) => size + 1 + i));
    await engine.stop();
    expect(await told(entries, 9)).to.deep.equal(["draining", "."]);
    expect(engine.follower.watchers).to.equal(0);
  });

  it("from now on begins with a bookmark, and says that it is alive", async () => {
    const { engine } = running;
    const entries = engine.follower.entries(engine.projection.size, forever());
    expect(await told(entries, 1)).to.deep.equal(["|"]);
    const next = told(entries, 1);
    await running.settle();
    place.time.pass(limits.bookmark_ms_max);
    expect(await next).to.deep.equal(["|"]);
  });
});

function wordOf(update: Update): string {
  if (update.type === "bookmark") {
    return update.draining ? "draining" : "|";
  }
  const { session_id, status, actions } = update.session;
  return `${session_id}:${status}:${actions.spent}`;
}
