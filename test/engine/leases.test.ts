import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { leaseDeadline, leaseGrace } from "../../src/core/lease.js";
import { limits } from "../../src/limits.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { end, intercept, kill, start, touch } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

const minute_ms = 60_000;

describe("a lease", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });

  afterEach(() => place.remove());

  /** What was sealed of leases and stops. */
  async function sealed(session_id = "s1"): Promise<readonly Event[]> {
    await running.settle();
    return (await running.events()).filter(
      (event) =>
        (event.event === "lease_lost" || event.event === "session_killed") && event.session_id === session_id,
    );
  }

  async function open(more: Parameters<typeof start>[2] = {}, session_id = "s1"): Promise<void> {
    await running.engine.submit(
      start(running.admin, session_id, { lease_seconds: 30, on_lease_lost: "kill", ...more }),
    );
  }

  /** The client says that it is alive. */
  function beat(session_id = "s1") {
    return running.engine.submit(touch(running.admin, session_id), { renews: true });
  }

  async function restart(down_ms: number): Promise<void> {
    await running.engine.stop();
    place.time.restart(down_ms);
    running = await place.start();
  }

  it("that nobody renews is lost by itself a grace after its end, and kills, once", async () => {
    const heard_at = place.time.wall;
    await open();
    place.time.pass(32_999);
    expect(await sealed()).to.deep.equal([]);
    place.time.pass(1);
    const [lost, killed, ...more] = await sealed();
    expect(lost).to.include({ event: "lease_lost", last_heard_at: heard_at, at: heard_at + 33_000 });
    expect(killed).to.include({ stop_reason: "lease_lost", reason: "lease lost: lease_seconds 30" });
    expect(more).to.deep.equal([]);
    place.time.pass(10 * minute_ms);
    expect(await sealed()).to.have.lengthOf(2);
  });

  it("is renewed by actions and heartbeats, and each time runs anew from when it was heard", async () => {
    await open();
    for (let i = 0; i < 4; i++) {
      place.time.pass(30_000);
      await (i % 2 === 0 ? beat() : running.engine.submit(intercept(running.admin, "s1")));
    }
    place.time.pass(32_999);
    expect(await sealed()).to.deep.equal([]);
    place.time.pass(1);
    expect(await sealed()).to.have.lengthOf(2);
  });

  it("is not renewed by looks at the session, by refused calls, or by what is done to it", async () => {
    await open();
    place.time.pass(32_000);
    const { engine, admin } = running;
    await engine.submit(touch(admin, "s1"));
    const stranger = { key_id: "key_0", role: "agent" } as const;
    expect((await engine.submit(intercept(stranger, "s1"))).reply).to.include({ type: "refused" });
    await engine.submit(start(admin, "s2", { parent_session_id: "s1" }));
    await engine.submit(intercept(admin, "s2"));
    place.time.pass(1000);
    expect(await sealed()).to.have.lengthOf(2);
  });

  it("binds at the next action even when its timer is late", async () => {
    await open({ on_lease_lost: "continue" }, "s2");
    await open();
    // Awake all the while, but no timer of a session comes to its turn.
    for (let passed_ms = 0; passed_ms < 33_000; passed_ms += limits.awake_ms) {
      place.time.stall(limits.awake_ms);
      running.engine.isOverdue("s2");
    }
    const { events } = await running.engine.submit(intercept(running.admin, "s1"));
    expect(events.map(({ event }) => event)).to.deep.equal([
      "lease_lost",
      "session_killed",
      "enforcement_decision",
    ]);
    expect(events[2]).to.include({ decision: "terminate" });
  });

  it("that lets the session go on is lost once, and watched again once the client is heard", async () => {
    await open({ on_lease_lost: "continue" });
    place.time.pass(10 * minute_ms);
    expect(await sealed()).to.have.lengthOf(1);
    await beat();
    place.time.pass(32_999);
    expect(await sealed()).to.have.lengthOf(1);
    place.time.pass(1);
    expect((await sealed()).map(({ event }) => event)).to.deep.equal(["lease_lost", "lease_lost"]);
  });

  it("that was lost and goes on leaves the session its ttl", async () => {
    await open({ on_lease_lost: "continue", ttl_seconds: 60 });
    place.time.pass(33_000);
    expect(await sealed()).to.have.lengthOf(1);
    place.time.pass(27_000);
    await running.settle();
    expect(running.engine.state.sessions.get("s1")).to.include({ status: "expired" });
  });

  it("starts anew after a restart, however long that took", async () => {
    await open();
    place.time.pass(20_000);
    await restart(10 * minute_ms);
    const began_at = place.time.wall;
    place.time.pass(32_999);
    expect(await sealed()).to.deep.equal([]);
    place.time.pass(1);
    expect((await sealed())[0]).to.include({ last_heard_at: began_at });
  });

  it("starts anew after a restart from a snapshot, also one that was lost and lets go on", async () => {
    await open({ on_lease_lost: "continue" });
    place.time.pass(minute_ms);
    expect(await sealed()).to.have.lengthOf(1);
    await restart(0);
    place.time.pass(33_000);
    expect(await sealed()).to.have.lengthOf(2);
  });

  for (const set_ms of [24 * 60 * minute_ms, -24 * 60 * minute_ms]) {
    it(`is not changed by a wall clock that is set by ${set_ms / (60 * minute_ms)} hours`, async () => {
      await open();
      place.time.wall += set_ms;
      place.time.pass(32_999);
      expect(await sealed()).to.deep.equal([]);
      place.time.pass(1);
      expect(await sealed()).to.have.lengthOf(2);
    });
  }

  it("does not hold back the end of its session, and is forgotten with it", async () => {
    await open();
    await running.engine.submit(end(running.admin, "s1"));
    await open({}, "s2");
    await running.engine.submit(kill(running.admin, "s2"));
    place.time.pass(10 * minute_ms);
    expect(await sealed()).to.deep.equal([]);
    expect((await sealed("s2")).map(({ event }) => event)).to.deep.equal(["session_killed"]);
    // With no lease left the engine does not look at itself any more.
    const before = place.time.tasks;
    place.time.pass(minute_ms);
    expect(place.time.tasks).to.equal(before);
  });

  it("of a server that slept is not lost before what was sent meanwhile is heard", async () => {
    await open();
    await open({}, "s2");
    place.time.pass(5000);
    place.time.stall(10 * minute_ms);
    // The timers are due, and run before any socket is read.
    place.time.pass(1);
    await running.settle();
    expect(await sealed()).to.deep.equal([]);
    const { events } = await running.engine.submit(intercept(running.admin, "s1"));
    expect(events[0]).to.include({ decision: "allow" });
    // Who sent nothing has the grace, no more.
    place.time.pass(leaseGrace(30) - 2);
    expect(await sealed("s2")).to.deep.equal([]);
    place.time.pass(1);
    expect(await sealed("s2")).to.have.lengthOf(2);
    expect(await sealed()).to.deep.equal([]);
  });

  it("of a server that slept is kept by an action that is heard before any timer", async () => {
    await open();
    place.time.stall(10 * minute_ms);
    const { events } = await running.engine.submit(intercept(running.admin, "s1"));
    expect(events[0]).to.include({ decision: "allow" });
  });

  it("is renewed in the turn in which the action is taken, also where the disk takes long", async () => {
    const journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
    await open();
    place.time.pass(30_000);
    journal.hold();
    const acted = running.engine.submit(intercept(running.admin, "s1"));
    await journal.held();
    place.time.pass(20_000);
    journal.release();
    expect((await acted).events[0]).to.include({ decision: "allow" });
    expect(await sealed()).to.deep.equal([]);
  });

  it("is renewed where so many actions wait that no other is taken", async () => {
    const journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
    await open();
    await open({ lease_seconds: null, on_lease_lost: null }, "flood");
    place.time.pass(30_000);
    journal.hold();
    const { engine, admin } = running;
    const flood = Array.from({ length: limits.queue_commands }, () =>
      engine.submit(intercept(admin, "flood")),
    );
    const refused = await engine.submit(intercept(admin, "s1")).catch((error: Error) => error);
    expect(refused).to.include({ code: "overloaded" });
    const beaten = beat();
    journal.release();
    await Promise.all([...flood, beaten]);
    place.time.pass(32_999);
    expect(await sealed()).to.deep.equal([]);
  }).timeout(20_000);

  it("of a sub-session and the one above it are two", async () => {
    await open({ lease_seconds: 100 }, "parent");
    await open({ parent_session_id: "parent" }, "child");
    for (let i = 0; i < 3; i++) {
      place.time.pass(30_000);
      await beat("child");
    }
    place.time.pass(20_000);
    await running.settle();
    expect((await sealed("parent")).map(({ event }) => event)).to.deep.equal([
      "lease_lost",
      "session_killed",
    ]);
    expect(await sealed("child")).to.have.lengthOf(1);
    expect((await sealed("child"))[0]).to.include({ stop_reason: "parent_stopped" });
  });
});

describe("the grace of a lease", () => {
  it("is a tenth of it and at least a second, so that a client that stops at its lease is first", () => {
    const graces = [2, 10, 11, 30, 300].map(leaseGrace);
    expect(graces).to.deep.equal([1000, 1000, 1100, 3000, 30_000]);
    for (let lease_seconds = 2; lease_seconds <= 300; lease_seconds++) {
      // Clocks that nobody sets run apart by far less than a part in a thousand.
      const client_stops_at = lease_seconds * 1000 * 1.001;
      expect(leaseDeadline(lease_seconds, 0)).to.be.greaterThan(client_stops_at);
    }
  });
});
