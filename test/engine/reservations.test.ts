import { expect } from "chai";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import type { ReservationSettled } from "../../src/core/event-budget.js";
import type { Amounts } from "../../src/core/event-parts.js";
import { limits } from "../../src/limits.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";

const tokens = (count: number): Amounts => ({ tokens: count, cost_usd_micros: 0 });

describe("a reservation", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });

  afterEach(() => place.remove());

  /** Starts a session with so many tokens, and one below it. */
  async function tree(max_tokens = 1000): Promise<void> {
    await running.engine.submit(start(running.admin, "above", { max_tokens }));
    await running.engine.submit(start(running.admin, "below", { parent_session_id: "above" }));
  }

  async function reserve(session_id: string, count: number): Promise<string> {
    const { events } = await running.engine.submit(
      intercept(running.admin, session_id, { estimate: tokens(count) }),
    );
    const made = events[0] as Extract<Event, { event: "enforcement_decision" }>;
    expect(made.decision).to.equal("allow");
    return made.decision_id;
  }

  async function settle(decision_id: string, count: number): Promise<readonly Event[]> {
    const command = { type: "settle", actor: running.admin, request_id: null, decision_id } as const;
    return (await running.engine.submit({ ...command, reported: tokens(count) })).events;
  }

  async function endings(): Promise<readonly ReservationSettled[]> {
    await running.settle();
    return (await running.events()).filter((event) => event.event === "reservation_settled");
  }

  async function restart(down_ms = 0, options: Parameters<Place["start"]>[0] = {}): Promise<void> {
    await running.engine.stop();
    place.time.restart(down_ms);
    running = await place.start(options);
  }

  const spent = (session_id: string) => running.engine.state.sessions.get(session_id)?.tokens;

  it("counts as estimated when nobody settles it in time, and not before", async () => {
    await tree();
    const decision_id = await reserve("below", 30);
    place.time.pass(limits.settle_timeout_ms - 1);
    expect(await endings()).to.deep.equal([]);
    place.time.pass(1);
    expect(await endings()).to.have.lengthOf(1);
    expect((await endings())[0]).to.deep.include({
      decision_id,
      outcome: "lapsed",
      spent: tokens(30),
      reported: null,
      actor: system_actor,
    });
    expect(spent("above")).to.deep.equal({ limit: 1000, spent: 30, reserved: 0, overrun: 0 });
    expect(await settle(decision_id, 10), "too late").to.deep.equal([]);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("that is settled does not lapse, nor keeps those after it from lapsing", async () => {
    await tree();
    const first = await reserve("below", 30);
    place.time.pass(1000);
    await reserve("above", 5);
    await settle(first, 20);
    place.time.pass(limits.settle_timeout_ms);
    expect((await endings()).map(({ outcome, spent: { tokens: count } }) => [outcome, count])).to.deep.equal([
      ["settled", 20],
      ["lapsed", 5],
    ]);
    expect(running.engine.state.reservations.size).to.equal(0);
  });

  it("of a time that can be set lapses after it", async () => {
    await restart(0, { engine: { settle_timeout_ms: 2000 } });
    await tree();
    await reserve("below", 1);
    place.time.pass(1999);
    expect(await endings()).to.deep.equal([]);
    place.time.pass(1);
    expect(await endings()).to.have.lengthOf(1);
  });

  it("is held across a restart, and lapses right after one that came too late", async () => {
    await tree();
    await reserve("below", 30);
    await restart();
    expect(spent("above")).to.deep.equal({ limit: 1000, spent: 0, reserved: 30, overrun: 0 });
    expect(await endings()).to.deep.equal([]);
    await restart(limits.settle_timeout_ms);
    place.time.pass(1);
    expect((await endings()).map(({ outcome }) => outcome)).to.deep.equal(["lapsed"]);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("of a stopped session is still settled, at those above it too", async () => {
    await tree();
    const decision_id = await reserve("below", 30);
    await running.engine.submit(kill(running.admin, "above"));
    await settle(decision_id, 12);
    for (const session_id of ["above", "below"]) {
      expect((await running.engine.projection.session(session_id))?.tokens).to.include({
        spent: 12,
        reserved: 0,
      });
    }
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("keeps its stopped session and those above it in memory until it ends", async () => {
    await restart(0, { engine: { stopped_sessions: 1 } });
    await tree();
    const decision_id = await reserve("below", 30);
    await running.engine.submit(kill(running.admin, "above"));
    for (const session_id of ["s1", "s2", "s3"]) {
      await running.engine.submit(start(running.admin, session_id));
      await running.engine.submit(kill(running.admin, session_id));
    }
    expect([...running.engine.state.sessions.keys()]).to.deep.equal(["above", "below", "s3"]);
    await settle(decision_id, 7);
    await running.settle();
    expect([...running.engine.state.sessions.keys()]).to.have.lengthOf(1);
    expect([...running.engine.projection.state.sessions.keys()]).to.deep.equal([
      ...running.engine.state.sessions.keys(),
    ]);
    for (const session_id of ["above", "below"]) {
      const session = await running.engine.projection.session(session_id);
      expect(session?.tokens, session_id).to.include({ spent: 7, reserved: 0 });
      expect(session?.open_reservations).to.equal(0);
    }
  });

  it("that has ended, but not on the disk yet, keeps those above its session in memory", async () => {
    const held = await newPlace();
    try {
      const journal = new UnsyncedJournal(held.disk);
      running = await held.start({ journal, engine: { stopped_sessions: 0 } });
      await tree();
      const decision_id = await reserve("below", 30);
      await running.engine.submit(kill(running.admin, "above"));
      journal.hold();
      const first = running.engine.submit(start(running.admin, "s1"));
      await journal.held();
      const last = settle(decision_id, 7);
      journal.release();
      await Promise.all([first, last]);
      await running.settle();
      expect((await running.engine.projection.session("above"))?.tokens).to.include({
        spent: 7,
        reserved: 0,
      });
    } finally {
      await held.remove();
    }
  });

  it("that has ended is found by its decision, also after a restart without rows", async () => {
    await tree();
    const ended = await reserve("below", 30);
    const open = await reserve("below", 30);
    await settle(ended, 12);
    for (const rows of ["kept", "lost"]) {
      if (rows === "lost") {
        await running.engine.stop();
        await place.rows.clear();
        place.time.restart();
        running = await place.start();
      }
      const sequence = await running.engine.projection.settlement(ended);
      expect((await running.events())[sequence ?? 0]).to.include({
        event: "reservation_settled",
        decision_id: ended,
      });
      expect(await running.engine.projection.settlement(open)).to.equal(null);
      expect(await running.engine.projection.settlement("enf_000000000000")).to.equal(null);
    }
  });

  it("survives a snapshot", async () => {
    const often = { vault: { snapshot_entries: 1 } };
    await restart(0, often);
    await tree();
    const decision_id = await reserve("below", 30);
    const before = running.engine.state.reservations;
    await place.stop(running);
    running = await place.start(often);
    expect(running.vault.snapshots.used?.size).to.be.greaterThan(before.get(decision_id)?.sequence as number);
    expect([...running.engine.state.reservations]).to.deep.equal([...before]);
    await settle(decision_id, 30);
    expect(spent("above")).to.include({ spent: 30, reserved: 0 });
  });
});
