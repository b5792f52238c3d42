import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { limits } from "../../src/limits.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";

type Of<Name extends Event["event"]> = Extract<Event, { event: Name }>;

describe("what the engine seals by itself", () => {
  let place: Place;
  let journal: UnsyncedJournal;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
  });

  afterEach(() => place.remove());

  async function sealed<Name extends Event["event"]>(name: Name): Promise<readonly Of<Name>[]> {
    await running.settle();
    return (await running.events()).filter((event): event is Of<Name> => event.event === name);
  }

  async function stoppedAndAsking(asked: number): Promise<void> {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1"));
    await engine.submit(kill(admin, "s1"));
    for (let i = 0; i < asked; i++) {
      await engine.submit(intercept(admin, "s1"));
    }
  }

  it("is a heartbeat at every interval, with the counts of the log so far", async () => {
    const { engine, admin } = running;
    await stoppedAndAsking(3);
    await engine.submit(start(admin, "s2"));
    await engine.submit(intercept(admin, "s2"));
    place.time.pass(59_999);
    expect(await sealed("heartbeat")).to.deep.equal([]);
    place.time.pass(1);
    const [first] = await sealed("heartbeat");
    expect(first).to.include({ interval_seconds: 60, decisions: 4, terminations: 3, live_sessions: 1 });
    place.time.pass(120_000);
    expect(await sealed("heartbeat")).to.have.lengthOf(3);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("is, once a minute, how often a stopped session was told so beyond the entries it has", async () => {
    await stoppedAndAsking(limits.terminates_sealed + 5);
    const terminates = (await sealed("enforcement_decision")).length;
    expect(terminates).to.equal(limits.terminates_sealed);
    place.time.pass(limits.repeated_terminates_ms);
    const notices = await sealed("notice");
    expect(notices).to.have.lengthOf(1);
    expect(notices[0]).to.deep.include({ kind: "repeated_terminates", session_id: "s1" });
    expect(notices[0]?.body).to.include({ count: 5 });
    place.time.pass(limits.repeated_terminates_ms);
    expect(await sealed("notice")).to.have.lengthOf(1);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("is summed up at the end of the engine too", async () => {
    await stoppedAndAsking(limits.terminates_sealed + 2);
    await running.engine.stop();
    const events = await running.events();
    expect(events.at(-1)).to.deep.include({ event: "notice", kind: "repeated_terminates" });
  });

  it("is counted on when there was no room to say it", async () => {
    const { engine, admin } = running;
    await stoppedAndAsking(limits.terminates_sealed + 2);
    journal.hold();
    const waiting = Array.from({ length: limits.queue_stops }, () => engine.submit(kill(admin, "s1")));
    place.time.pass(limits.repeated_terminates_ms);
    journal.release();
    await Promise.all(waiting);
    expect(await sealed("notice")).to.deep.equal([]);
    place.time.pass(limits.repeated_terminates_ms);
    expect((await sealed("notice"))[0]?.body).to.include({ count: 2 });
  }).timeout(20_000);
});
