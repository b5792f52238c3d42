import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import type { Event } from "../../src/core/event.js";
import type { Engine } from "../../src/engine/engine.js";
import type { HaltCounts, HaltPart } from "../../src/engine/halt-parts.js";
import { acknowledge, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";
import { run, scripts } from "./script.js";

async function partsOf(engine: Engine, halt_id: string): Promise<readonly HaltPart[]> {
  const parts: HaltPart[] = [];
  for await (const [, part] of engine.projection.halt_parts.parts(halt_id)) {
    parts.push(part);
  }
  return parts;
}

/** The same counts, from the log alone. */
function recount(events: readonly Event[], halt_id: string): HaltCounts {
  const of_halt = events.filter(
    (each) => "halt_id" in each && each.halt_id === halt_id && "session_id" in each,
  );
  const sessions = new Set(of_halt.map((each) => ("session_id" in each ? each.session_id : null)));
  const told = [...sessions].map((session_id) =>
    of_halt.filter((each) => "session_id" in each && each.session_id === session_id),
  );
  const has = (name: Event["event"]) => (its: readonly Event[]) => its.some(({ event }) => event === name);
  const confirmed = told.filter(has("halt_confirmed"));
  const acknowledged = told.filter((its) => has("halt_acknowledged")(its) || has("halt_confirmed")(its));
  const heard = (its: readonly Event[]) =>
    its.some((each) => each.event === "halt_unconfirmed" && each.delivered_at !== null);
  return {
    requested: told.length,
    delivered: told.filter((its) => acknowledged.includes(its) || heard(its)).length,
    acknowledged: acknowledged.length,
    confirmed: confirmed.length,
    unconfirmed: told.filter((its) => has("halt_unconfirmed")(its) && !confirmed.includes(its)).length,
  };
}

const haltIds = (events: readonly Event[]) =>
  new Set(events.flatMap((each) => ("halt_id" in each ? [each.halt_id] : [])));

describe("how far a stop is", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });

  afterEach(() => place.remove());

  it("is told for each session that it names, in the order of the log, and as sums", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1"));
    await engine.submit(start(admin, "s2", { parent_session_id: "s1" }));
    await engine.submit(start(admin, "s3", { parent_session_id: "s2", agent_id: null }));
    await engine.submit(kill(admin, "s1"));
    const { halt_id = null, at = 0 } = engine.state.sessions.get("s1")?.stop ?? {};
    const id = halt_id ?? expect.fail("it has one");
    place.time.pass(20);
    await engine.submit(acknowledge(admin, "s2", id, null, { via: "heartbeat", delivered_at: at + 20 }));
    await engine.submit(acknowledge(admin, "s3", id, "process_exit"));
    place.time.pass(10_000);
    await running.settle();
    const parts = await partsOf(engine, id);
    expect(parts.map(({ session_id }) => session_id)).to.deep.equal(["s1", "s2", "s3"]);
    expect(parts[0]).to.deep.include({ agent_id: "a1", stop_reason: "manual", requested_at: at });
    expect(parts[0]?.progress).to.include({ unconfirmed_at: at + 10_000, unconfirmed_why: "no_client" });
    expect(parts[1]).to.include({ stop_reason: "halted" });
    expect(parts[1]?.progress).to.include({
      via: "heartbeat",
      delivered_at: at + 20,
      acknowledged_at: at + 20,
      acknowledged_by: admin.key_id,
      unconfirmed_at: at + 10_000,
      unconfirmed_why: "deadline",
    });
    expect(parts[2]?.progress).to.include({
      evidence: "process_exit",
      confirmed_at: at + 20,
      confirmed_by: admin.key_id,
      unconfirmed_at: null,
    });
    const sums = { requested: 3, delivered: 2, acknowledged: 2, confirmed: 1, unconfirmed: 2 };
    expect(await engine.projection.halt_parts.counts(id)).to.deep.equal(sums);
    await engine.submit(acknowledge(admin, "s1", id, "process_exit"));
    const late = { requested: 3, delivered: 3, acknowledged: 3, confirmed: 2, unconfirmed: 1 };
    expect(await engine.projection.halt_parts.counts(id)).to.deep.equal(late);
  });

  it("is nothing where there was no stop", async () => {
    const none = { requested: 0, delivered: 0, acknowledged: 0, confirmed: 0, unconfirmed: 0 };
    for (const id of ["halt_0123456789ab", "halt_", "s1", ""]) {
      expect(await running.engine.projection.halt_parts.counts(id)).to.deep.equal(none);
      expect(await partsOf(running.engine, id)).to.deep.equal([]);
    }
  });

  it("can be read on from a place", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s0"));
    for (let i = 1; i < 5; i++) {
      await engine.submit(start(admin, `s${i}`, { parent_session_id: "s0" }));
    }
    await engine.submit(kill(admin, "s0"));
    const { halt_id = "", sequence = 0 } = engine.state.sessions.get("s2")?.stop ?? {};
    const read: string[] = [];
    for await (const [, { session_id }] of engine.projection.halt_parts.parts(halt_id ?? "", sequence)) {
      read.push(session_id);
    }
    expect(read).to.deep.equal(["s3", "s4"]);
  });
});

describe("whatever comes", () => {
  let place: Place;

  before(async () => {
    place = await newPlace();
    await place.start();
  });

  after(() => place.remove());

  it("the figures of each stop are those of the log, also after a restart and with every row lost", async () => {
    const options = { engine: { halt_confirm_ms: 1000, stopped_sessions: 2 } };
    const property = fc.asyncProperty(scripts, scripts, fc.boolean(), async (first, second, loses_rows) => {
      await place.begin();
      const before = await place.start(options);
      const sessions: string[] = [];
      await run(first, before, place.time, sessions);
      await before.engine.stop();
      place.time.restart(500);
      if (loses_rows) {
        place.rows = new MemoryLevel<string, string>();
      }
      const running = await place.start(options);
      await run(second, running, place.time, sessions);
      await running.settle();
      const events = await running.events();
      const { engine } = running;
      for (const halt_id of haltIds(events)) {
        const counts = await engine.projection.halt_parts.counts(halt_id);
        expect(counts).to.deep.equal(recount(events, halt_id));
        expect(await partsOf(engine, halt_id)).to.have.lengthOf(counts.requested);
        const { delivered, acknowledged, requested } = counts;
        expect(delivered + engine.halts.delivered(halt_id)).to.be.within(acknowledged, requested);
      }
      expect(await verifiedFailures(running.vault)).to.deep.equal([]);
    });
    await fc.assert(property, { numRuns: 60 });
  }).timeout(60_000);
});
