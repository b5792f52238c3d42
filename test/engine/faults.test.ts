import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import type { RowStore } from "../../src/engine/derived.js";
import { EngineFault } from "../../src/engine/fault.js";
import type { Update } from "../../src/engine/session-watch.js";
import { FaultyJournal } from "../journal/faulty.js";
import { MemoryJournal } from "../journal/memory.js";
import { failure } from "../journal/suite.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { end, intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";
import { acknowledged, run, scripts } from "./script.js";

async function faultOf(promise: Promise<unknown>): Promise<EngineFault> {
  const error = await failure(() => promise);
  expect(error).to.be.instanceOf(EngineFault);
  return error as EngineFault;
}

/** What a watch says until it ends, and the error that ends it. */
async function heard(updates: AsyncIterable<Update>) {
  const all: Update[] = [];
  try {
    for await (const update of updates) {
      all.push(update);
    }
  } catch (error) {
    return { all, error };
  }
  return { all, error: null };
}

for (const flavour of ["lost", "stored"] as const) {
  describe(`after an append that was ${flavour} and reported as failed`, () => {
    let place: Place;
    let journal: FaultyJournal;
    let running: Running;

    beforeEach(async () => {
      place = await newPlace();
      journal = new FaultyJournal(new MemoryJournal(place.disk));
      running = await place.start({ journal });
      const { engine, admin } = running;
      await engine.submit(start(admin, "s1", { max_actions: 10 }));
      await engine.submit(intercept(admin, "s1"));
    });

    afterEach(() => place.remove());

    it("every waiting caller is told that it is unavailable, and so is every later one", async () => {
      const { engine, admin } = running;
      journal.fail("append", flavour);
      const waiting = [
        engine.submit(intercept(admin, "s1")),
        engine.submit(kill(admin, "s1")),
        engine.submit(kill(admin, "nobody")),
      ];
      const faults = await Promise.all(waiting.map(faultOf));
      expect(faults.map(({ code }) => code)).to.deep.equal(["unavailable", "unavailable", "unavailable"]);
      expect((await faultOf(engine.submit(intercept(admin, null)))).code).to.equal("unavailable");
      expect(engine.running).to.equal(false);
    });

    it("callers that wait for the next batch are told too", async () => {
      const { engine, admin } = running;
      journal.fail("append", flavour);
      const first = engine.submit(intercept(admin, "s1"));
      await null;
      await null;
      const second = engine.submit(intercept(admin, "s1"));
      expect((await faultOf(first)).code).to.equal("unavailable");
      expect((await faultOf(second)).code).to.equal("unavailable");
    });

    it("the process is told to exit, once", async () => {
      const { engine, admin, fatal } = running;
      journal.fail("append", flavour);
      await faultOf(engine.submit(intercept(admin, "s1")));
      await faultOf(engine.submit(intercept(admin, "s1")));
      await engine.stop();
      expect(fatal.map(({ message }) => message)).to.have.lengthOf(1);
      expect(fatal[0]?.message).to.contain("EIO");
    });

    it("watchers end with an error, and hear nothing that was not sealed", async () => {
      const { engine, admin } = running;
      const watch = heard(engine.follower.session("s1", { signal: new AbortController().signal }));
      await running.settle();
      journal.fail("append", flavour);
      await faultOf(engine.submit(kill(admin, "s1")));
      const { all, error } = await watch;
      const told = all.map((update) => (update.type === "state" ? update.session.status : update.type));
      expect(told).to.deep.equal(["active", "bookmark"]);
      expect(error).to.be.instanceOf(EngineFault).and.to.include({ code: "unavailable" });
    });

    it("no deadline is kept any more", async () => {
      const { engine, admin } = running;
      await engine.submit(start(admin, "s2", { ttl_seconds: 5 }));
      journal.fail("append", flavour);
      await faultOf(engine.submit(intercept(admin, "s1")));
      expect(place.time.tasks).to.equal(0);
    });

    it("a restart finds every acknowledged decision, and the kill only if it was stored", async () => {
      const { engine, admin } = running;
      journal.fail("append", flavour);
      await faultOf(engine.submit(kill(admin, "s1")));
      place.time.restart();
      const again = await place.start();
      const session = await again.engine.projection.session("s1");
      expect(session?.actions.spent).to.equal(1);
      expect(session?.status).to.equal(flavour === "stored" ? "killed" : "active");
      expect(await verifiedFailures(again.vault)).to.deep.equal([]);
    });

    it("an allow that nobody received counts if it was stored", async () => {
      const { engine, admin } = running;
      journal.fail("append", flavour);
      await faultOf(engine.submit(intercept(admin, "s1")));
      place.time.restart();
      const again = await place.start();
      const session = await again.engine.projection.session("s1");
      expect(session?.actions.spent).to.equal(flavour === "stored" ? 2 : 1);
    });
  });
}

describe("whatever fails, and whenever", () => {
  let place: Place;

  before(async () => {
    place = await newPlace();
    await place.start();
  });

  after(() => place.remove());

  it("what was acknowledged is there after the restart, also after two faults in a row", async () => {
    const flavours = fc.constantFrom("lost" as const, "stored" as const);
    const faults = fc.tuple(flavours, fc.nat({ max: 20 }), flavours, fc.nat({ max: 20 }));
    const property = fc.asyncProperty(scripts, scripts, faults, async (script, next, planned) => {
      const [first, after_first, second, after_second] = planned;
      await place.begin();
      const told = new Map();
      const sessions: string[] = [];
      for (const [part, flavour, skip] of [
        [script, first, after_first + 1],
        [next, second, after_second + 1],
      ] as const) {
        const journal = new FaultyJournal(new MemoryJournal(place.disk));
        journal.fail("append", flavour, skip);
        const running = await place.start({ journal }).catch(() => null);
        if (running !== null) {
          for (const [sequence, entry] of acknowledged(await run(part, running, place.time, sessions))) {
            told.set(sequence, entry.leaf);
          }
        }
        place.time.restart(1000);
      }
      const again = await place.start();
      const leaves = place.disk.entries.map(({ leaf }) => leaf);
      for (const [sequence, leaf] of told) {
        expect(leaves[sequence]).to.equal(leaf);
      }
      expect(await verifiedFailures(again.vault)).to.deep.equal([]);
    });
    await fc.assert(property, { numRuns: 40 });
  }).timeout(60_000);
});

describe("an index that cannot be written", () => {
  let place: Place;
  let broken = false;

  beforeEach(async () => {
    place = await newPlace();
    const rows = new MemoryLevel<string, string>();
    const write = rows.batch.bind(rows);
    broken = false;
    place.rows = Object.assign(rows, {
      batch: (...operations: Parameters<typeof write>) =>
        broken ? Promise.reject(new Error("EIO: rows")) : write(...operations),
    }) as RowStore;
  });

  afterEach(() => place.remove());

  it("stops the engine and tells the process once, whatever fails after it", async () => {
    const { engine, admin, fatal } = await place.start();
    await engine.submit(start(admin, "s1"));
    broken = true;
    await engine.submit(end(admin, "s1"));
    await failure(() => engine.projection.settle());
    await failure(() => engine.projection.settle());
    expect(fatal.map(({ message }) => message)).to.deep.equal(["EIO: rows"]);
    expect(engine.running).to.equal(false);
    expect((await faultOf(engine.submit(intercept(admin, null)))).code).to.equal("unavailable");
  });

  it("claims nothing later: the restart writes again what is missing", async () => {
    const journal = new UnsyncedJournal(place.disk);
    const { engine, admin } = await place.start({ journal });
    await engine.submit(start(admin, "s1"));
    await engine.submit(start(admin, "s2"));
    await engine.submit(end(admin, "s1"));
    journal.hold();
    const ended = engine.submit(end(admin, "s2"));
    await journal.held();
    broken = true;
    await failure(() => engine.projection.settle());
    broken = false;
    journal.release();
    await ended;
    await failure(() => engine.projection.settle());
    place.time.restart();
    const again = await place.start();
    expect(await stoppedIn(again)).to.deep.equal(["s2", "s1"]);
  });

  it("and a log that cannot be written either are told as one", async () => {
    const held = new UnsyncedJournal(place.disk);
    const journal = new FaultyJournal(held);
    const { engine, admin, fatal } = await place.start({ journal });
    await engine.submit(start(admin, "s1"));
    await engine.submit(end(admin, "s1"));
    held.hold();
    journal.fail("append", "stored");
    const unanswered = faultOf(engine.submit(intercept(admin, null)));
    await held.held();
    broken = true;
    await failure(() => engine.projection.settle());
    held.release();
    expect((await unanswered).code).to.equal("unavailable");
    expect(fatal).to.have.lengthOf(1);
  });
});

describe("an index that is behind the log", () => {
  it("is brought up to it at the next start", async () => {
    const place = await newPlace();
    try {
      const { engine, admin } = await place.start();
      await engine.submit(start(admin, "s1"));
      await engine.submit(start(admin, "s2"));
      await engine.submit(end(admin, "s1"));
      await engine.projection.settle();
      const written = new MemoryLevel<string, string>();
      for await (const [key, value] of place.rows.iterator()) {
        await written.put(key as string, value as string);
      }
      await engine.submit(end(admin, "s2"));
      place.rows = written;
      place.time.restart();
      expect(await stoppedIn(await place.start())).to.deep.equal(["s2", "s1"]);
    } finally {
      await place.remove();
    }
  });
});

async function stoppedIn({ engine }: Running): Promise<readonly string[]> {
  const stopped: string[] = [];
  for await (const { session_id } of engine.projection.stoppedSessions(engine.projection.size)) {
    stopped.push(session_id);
  }
  return stopped;
}

describe("the end of an engine", () => {
  let place: Place;
  let journal: UnsyncedJournal;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
    await running.engine.submit(start(running.admin, "s1"));
  });

  afterEach(() => place.remove());

  it("answers what was taken and takes no more", async () => {
    const { engine, admin } = running;
    journal.hold();
    const taken = engine.submit(intercept(admin, "s1"));
    await journal.held();
    const order: string[] = [];
    const stopped = engine.stop().then(() => order.push("stopped"));
    void taken.then(() => order.push("answered"));
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect((await faultOf(engine.submit(intercept(admin, "s1")))).code).to.equal("unavailable");
    journal.release();
    await stopped;
    expect(order).to.deep.equal(["answered", "stopped"]);
    expect((await taken).events[0]).to.include({ decision: "allow" });
    await stopped;
  });

  it("may be asked for twice", async () => {
    const { engine, admin } = running;
    journal.hold();
    const taken = engine.submit(intercept(admin, "s1"));
    await journal.held();
    const both = Promise.all([engine.stop(), engine.stop()]);
    journal.release();
    await Promise.all([taken, both]);
  });

  it("leaves no task behind", async () => {
    await running.engine.submit(start(running.admin, "s2", { ttl_seconds: 60 }));
    await running.engine.stop();
    expect(place.time.tasks).to.equal(0);
  });
});
