import { expect } from "chai";
import type { SessionKilled } from "../../src/core/event.js";
import { EngineFault } from "../../src/engine/fault.js";
import { newSalt } from "../../src/engine/salt.js";
import { limits } from "../../src/limits.js";
import { MemoryJournal } from "../journal/memory.js";
import { failure } from "../journal/suite.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, kill, pause, resume, start } from "./asked.js";
import { CountedJournal } from "./counted.js";
import { newPlace, type Place, verifiedFailures } from "./place.js";

describe("what cannot be sealed", () => {
  let place: Place;

  beforeEach(async () => {
    place = await newPlace();
  });

  afterEach(() => place.remove());

  const unsealable: Readonly<Record<string, Parameters<typeof intercept>[2]>> = {
    "a text that is none": { action_type: "\ud800" },
    "a number that is no integer": { action_length: 0.5 },
    "an entry that is too large": { action_type: "x".repeat(limits.entry_bytes) },
    "a digest of details that are not there": { details_digest: "0".repeat(64) },
  };

  for (const [name, more] of Object.entries(unsealable)) {
    it(`is refused before it takes effect, and harms nobody: ${name}`, async () => {
      const { engine, admin, fatal, vault } = await place.start();
      await engine.submit(start(admin, "s1", { max_actions: 1 }));
      const neighbour = engine.submit(intercept(admin, null));
      const fault = await failure(() => engine.submit(intercept(admin, "s1", more)));
      expect(fault).to.be.instanceOf(EngineFault).and.to.include({ code: "invalid_argument" });
      expect((await neighbour).events).to.have.lengthOf(1);
      expect(fatal).to.deep.equal([]);
      expect((await engine.projection.session("s1"))?.actions.spent).to.equal(0);
      expect(await verifiedFailures(vault)).to.deep.equal([]);
    });
  }
});

describe("an order wider than a write", () => {
  const size = 2 * limits.batch_entries + 30;
  let place: Place;

  beforeEach(async () => {
    place = await newPlace();
  });

  afterEach(() => place.remove());

  async function family(journal: CountedJournal) {
    const running = await place.start({ journal });
    const { engine, admin } = running;
    await engine.submit(start(admin, "root"));
    await Promise.all(
      Array.from({ length: size - 1 }, (_, i) =>
        engine.submit(start(admin, `s${i}`, { parent_session_id: "root" })),
      ),
    );
    journal.batches.length = 0;
    return running;
  }

  it("is told piece by piece to those who watch, and answered when all of it is sealed", async () => {
    const held = new UnsyncedJournal(place.disk);
    const { engine, admin } = await family(new CountedJournal(held));
    const watch = engine.follower.session("root", { signal: new AbortController().signal });
    await watch.next();
    // The bookmark that ends the snapshot.
    await watch.next();
    held.hold();
    let answered = false;
    const killed = engine.submit(kill(admin, "root")).then((outcome) => {
      answered = true;
      return outcome;
    });
    await held.held();
    const told = watch.next();
    held.release();
    held.hold();
    expect((await told).value).to.deep.include({ type: "state" });
    expect((await engine.projection.session("root"))?.status).to.equal("killed");
    expect(answered).to.equal(false);
    held.release();
    const { events, entries } = await killed;
    expect(entries.map(({ content }) => JSON.parse(content).event)).to.deep.equal(
      events.map(({ event }) => event),
    );
  });

  for (const pieces of [1, 2]) {
    it(`that a crash cuts after ${pieces} of its pieces is finished before anything else is decided`, async () => {
      const journal = new CountedJournal(new MemoryJournal(place.disk));
      const { engine, admin, vault } = await family(journal);
      const before = vault.head().size;
      const { events } = await engine.submit(kill(admin, "root"));
      const cut = before + journal.batches.slice(0, pieces).flat().length;
      expect(cut).to.be.lessThan(vault.head().size);
      await place.crashedWith(place.disk.entries.slice(0, cut));
      place.time.restart();
      const again = await place.start();
      expect(again.engine.state.live_sessions).to.equal(0);
      const kills = (await again.events()).filter((event) => event.event === "session_killed");
      expect(kills.map(({ session_id }) => session_id)).to.have.members(
        events.filter((event): event is SessionKilled => event.event === "session_killed").map(idOf),
      );
      expect(await verifiedFailures(again.vault)).to.deep.equal([]);
    });

    it(`that holds, and whose lift, a crash cuts after ${pieces} of its pieces is finished likewise`, async () => {
      const journal = new CountedJournal(new MemoryJournal(place.disk));
      let running = await family(journal);
      const cutAndStart = async (before: number) => {
        const cut = before + journal.batches.splice(0).slice(0, pieces).flat().length;
        expect(cut).to.be.lessThan(running.vault.head().size);
        await place.crashedWith(place.disk.entries.slice(0, cut));
        place.time.restart();
        journal.batches.length = 0;
        running = await place.start();
      };
      const before = running.vault.head().size;
      await running.engine.submit(pause(running.admin, "root"));
      await cutAndStart(before);
      expect(running.engine.state.paused_sessions).to.equal(size);

      const again = new CountedJournal(new MemoryJournal(place.disk));
      await place.stop(running);
      running = await place.start({ journal: again });
      const held = running.vault.head().size;
      await running.engine.submit(resume(running.admin, "root"));
      journal.batches.push(...again.batches);
      await cutAndStart(held);
      expect([running.engine.state.paused_sessions, running.engine.state.live_sessions]).to.deep.equal([
        0,
        size,
      ]);
      expect(await verifiedFailures(running.vault)).to.deep.equal([]);
    });
  }
});

describe("the state and the log", () => {
  let place: Place;

  beforeEach(async () => {
    place = await newPlace();
  });

  afterEach(() => place.remove());

  it("must count alike: an entry that would get another place stops everything", async () => {
    const { engine, admin, vault, fatal } = await place.start();
    const size = vault.head().size;
    const content = { event: "heartbeat", at: "2026-01-01T00:00:00.000Z", _salt: newSalt() };
    await vault.seal([{ content, details: null }]);
    const fault = await failure(() => engine.submit(intercept(admin, null)));
    expect(fault).to.include({ code: "unavailable" });
    expect(fatal.map(({ message }) => message)).to.deep.equal([
      `entry ${size} of the state would be entry ${size + 1} of the log`,
    ]);
  });

  it("part where an event takes effect by half, which stops everything", async () => {
    let broken = false;
    const after = (...timer: Parameters<typeof place.time.after>) => {
      if (broken) {
        throw new Error("no timer");
      }
      return place.time.after(...timer);
    };
    const { wall_ms, monotonic_ms } = place.time;
    const { engine, admin, fatal } = await place.start({
      engine: { time: { wall_ms, monotonic_ms, after } },
    });
    broken = true;
    const fault = await failure(() => engine.submit(start(admin, "s1", { ttl_seconds: 1 })));
    expect(fault).to.include({ code: "unavailable" });
    expect(fatal.map(({ message }) => message)).to.deep.equal(["no timer"]);
    expect(engine.running).to.equal(false);
  });
});

function idOf(event: SessionKilled): string {
  return event.session_id;
}
