import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { limits } from "../../src/limits.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { acknowledge, end, intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";

type Unconfirmed = Extract<Event, { event: "halt_unconfirmed" }>;

describe("the deadline of a stop", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });

  afterEach(() => place.remove());

  async function unconfirmed(): Promise<readonly Unconfirmed[]> {
    await running.settle();
    return (await running.events()).filter(
      (event): event is Unconfirmed => event.event === "halt_unconfirmed",
    );
  }

  async function stopped(...session_ids: readonly string[]): Promise<void> {
    for (const session_id of session_ids) {
      await running.engine.submit(start(running.admin, session_id));
      await running.engine.submit(kill(running.admin, session_id));
    }
  }

  async function restart(down_ms = 0, options: Parameters<Place["start"]>[0] = {}): Promise<void> {
    await running.engine.stop();
    place.time.restart(down_ms);
    running = await place.start(options);
  }

  const haltOf = (session_id: string) => running.engine.state.sessions.get(session_id)?.stop?.halt_id ?? "";

  it("is sealed when it has passed and nobody has heard of the stop, and not before", async () => {
    await stopped("s1");
    const stop = running.engine.state.sessions.get("s1")?.stop;
    place.time.pass(limits.halt_confirm_ms - 1);
    expect(await unconfirmed()).to.deep.equal([]);
    place.time.pass(1);
    const [only, ...more] = await unconfirmed();
    expect(more).to.deep.equal([]);
    expect(only).to.deep.include({
      session_id: "s1",
      halt_id: stop?.halt_id,
      why: "no_client",
      delivered_at: null,
      deadline_at: (stop?.at ?? 0) + limits.halt_confirm_ms,
      actor: { key_id: null, role: "system" },
    });
  });

  it("passes whatever stopped the session, once, and not for one that ended by itself", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "spent", { max_actions: 0 }));
    await engine.submit(start(admin, "below", { parent_session_id: "spent" }));
    await engine.submit(start(admin, "expired", { ttl_seconds: 1 }));
    await engine.submit(start(admin, "ended"));
    await engine.submit(intercept(admin, "spent"));
    await engine.submit(end(admin, "ended"));
    place.time.pass(1000);
    await running.settle();
    place.time.pass(limits.halt_confirm_ms);
    await running.settle();
    place.time.pass(limits.halt_confirm_ms);
    const found = (await unconfirmed()).map(({ session_id }) => session_id);
    expect([...found].sort()).to.deep.equal(["below", "expired", "spent"]);
    expect(engine.state.unsettled.size).to.equal(0);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("says that a client had heard of the stop, and when", async () => {
    await stopped("s1");
    place.time.pass(40);
    const session = running.engine.state.sessions.get("s1") ?? expect.fail("it is there");
    running.engine.halts.deliver(session, "stream");
    place.time.pass(5000);
    running.engine.halts.deliver(session, "heartbeat");
    place.time.pass(limits.halt_confirm_ms);
    const [only] = await unconfirmed();
    expect(only).to.include({ why: "deadline", delivered_at: (session.stop?.at ?? 0) + 40 });
  });

  it("does not pass for a stop that was confirmed in time; one that is late is sealed as well", async () => {
    await stopped("in time", "late");
    await running.engine.submit(acknowledge(running.admin, "in time", haltOf("in time"), "process_exit"));
    place.time.pass(limits.halt_confirm_ms);
    expect((await unconfirmed()).map(({ session_id }) => session_id)).to.deep.equal(["late"]);
    place.time.pass(5000);
    await running.engine.submit(acknowledge(running.admin, "late", haltOf("late"), "process_exit"));
    const confirmed = (await running.events()).filter(({ event }) => event === "halt_confirmed");
    expect(confirmed.at(-1)).to.include({ session_id: "late", elapsed_ms: limits.halt_confirm_ms + 5000 });
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("is kept over a restart, also where it passed while nothing ran", async () => {
    await stopped("s1");
    place.time.pass(4000);
    await restart(3000);
    place.time.pass(2999);
    expect(await unconfirmed()).to.deep.equal([]);
    place.time.pass(1);
    expect(await unconfirmed()).to.have.lengthOf(1);
    await stopped("s2");
    await restart(limits.halt_confirm_ms + 1);
    place.time.pass(1);
    expect((await unconfirmed()).map(({ session_id }) => session_id)).to.deep.equal(["s1", "s2"]);
    await restart(60_000);
    place.time.pass(60_000);
    expect(await unconfirmed()).to.have.lengthOf(2);
  });

  it("passes for sessions that have left memory", async () => {
    await restart(0, { engine: { stopped_sessions: 1 } });
    await stopped("s1", "s2", "s3");
    expect(running.engine.state.sessions.has("s1")).to.equal(false);
    place.time.pass(limits.halt_confirm_ms);
    for (let i = 0; i < 20; i++) {
      await running.settle();
    }
    expect(await unconfirmed()).to.have.lengthOf(3);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("can be set", async () => {
    await restart(0, { engine: { halt_confirm_ms: 2000 } });
    await stopped("s1");
    place.time.pass(1999);
    expect(await unconfirmed()).to.deep.equal([]);
    place.time.pass(1);
    expect(await unconfirmed()).to.have.lengthOf(1);
  });

  it("passes for thousands at once in chunks, and for all of them", async () => {
    const held = await newPlace();
    try {
      const journal = new UnsyncedJournal(held.disk);
      running = await held.start({ journal });
      const count = 2 * limits.expiries_at_once + 10;
      const ids = Array.from({ length: count }, (_, i) => `s${i}`);
      await Promise.all(ids.map((id) => running.engine.submit(start(running.admin, id))));
      await Promise.all(ids.map((id) => running.engine.submit(kill(running.admin, id))));
      journal.hold();
      held.time.pass(limits.halt_confirm_ms);
      expect(running.engine.queued.acknowledgements).to.equal(limits.expiries_at_once);
      journal.release();
      for (let i = 0; i < 100 && running.engine.state.unsettled.size > 0; i++) {
        await running.settle();
        held.time.pass(1);
      }
      const found = await unconfirmed();
      expect(new Set(found.map(({ session_id }) => session_id)).size).to.equal(count);
      expect(found).to.have.lengthOf(count);
    } finally {
      await held.remove();
    }
  });
});
