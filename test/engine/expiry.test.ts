import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { process_time } from "../../src/engine/clock.js";
import { limits } from "../../src/limits.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

const day_ms = 24 * 3600 * 1000;

describe("a session's time", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });

  afterEach(() => place.remove());

  /** The entries that say that a session expired. */
  async function expiries(session_id: string) {
    await running.settle();
    const events = await running.events();
    return events.flatMap((event) =>
      event.event === "session_expired" && event.session_id === session_id ? [event] : [],
    );
  }

  async function restart(down_ms: number): Promise<void> {
    await running.engine.stop();
    place.time.restart(down_ms);
    running = await place.start();
  }

  it("ends by itself at its deadline, once", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1", { ttl_seconds: 5 }));
    place.time.pass(4999);
    expect(await expiries("s1")).to.have.lengthOf(0);
    place.time.pass(1);
    const [expired, ...more] = await expiries("s1");
    expect(expired).to.include({ stop_reason: "ttl_expired", at: expired?.deadline_at });
    expect(more).to.deep.equal([]);
    place.time.pass(day_ms / 24);
    expect(await expiries("s1")).to.have.lengthOf(1);
  });

  it("moves on with each action where it is idle time", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1", { idle_timeout_seconds: 5 }));
    for (let i = 0; i < 3; i++) {
      place.time.pass(4000);
      await engine.submit(intercept(admin, "s1"));
    }
    place.time.pass(4999);
    expect(await expiries("s1")).to.have.lengthOf(0);
    place.time.pass(1);
    expect(await expiries("s1")).to.have.lengthOf(1);
  });

  it("is over at the next action even when its timer is late, and is sealed once", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s1", { ttl_seconds: 5 }));
    place.time.stall(5000);
    const { events } = await engine.submit(intercept(admin, "s1"));
    expect(events.map(({ event }) => event)).to.deep.equal(["session_expired", "enforcement_decision"]);
    expect(events[1]).to.include({ decision: "terminate" });
    place.time.pass(1000);
    expect(await expiries("s1")).to.have.lengthOf(1);
  });

  it("ends in the order of the deadlines, not of the starts", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "late", { ttl_seconds: 9 }));
    await engine.submit(start(admin, "early", { ttl_seconds: 3 }));
    await engine.submit(start(admin, "middle", { ttl_seconds: 6 }));
    place.time.pass(9000);
    await running.settle();
    const order = (await running.events()).flatMap((event) =>
      event.event === "session_expired" ? [event.session_id] : [],
    );
    expect(order).to.deep.equal(["early", "middle", "late"]);
  });

  for (const set_ms of [day_ms, -day_ms]) {
    it(`is not changed by a wall clock that is set by ${set_ms / day_ms} day`, async () => {
      const { engine, admin } = running;
      await engine.submit(start(admin, "s1", { ttl_seconds: 5 }));
      place.time.wall += set_ms;
      place.time.pass(4999);
      expect(await expiries("s1")).to.have.lengthOf(0);
      place.time.pass(1);
      expect(await expiries("s1")).to.have.lengthOf(1);
    });
  }

  it("goes on while the process is down, by the wall clock", async () => {
    await running.engine.submit(start(running.admin, "s1", { ttl_seconds: 60 }));
    await running.engine.submit(start(running.admin, "s2", { ttl_seconds: 120 }));
    await restart(90_000);
    place.time.pass(1);
    expect(await expiries("s1")).to.have.lengthOf(1);
    expect(await expiries("s2")).to.have.lengthOf(0);
    place.time.pass(30_000);
    expect(await expiries("s2")).to.have.lengthOf(1);
  });

  it("does not go back over a restart with a wall clock set back", async () => {
    await running.engine.submit(start(running.admin, "s1", { ttl_seconds: 5 }));
    await restart(-day_ms);
    await running.engine.submit(intercept(running.admin, "s1"));
    place.time.pass(5000);
    expect(await expiries("s1")).to.have.lengthOf(1);
    expect(await running.events()).to.satisfy((events: readonly Event[]) =>
      events.every((event, i) => i === 0 || event.at >= (events[i - 1] as Event).at),
    );
  });

  it("ends in real time too", async () => {
    const real = await newPlace();
    try {
      const { engine, admin } = await real.start({ engine: { time: process_time } });
      await engine.submit(start(admin, "s1", { ttl_seconds: 1 }));
      const states = [];
      for await (const update of engine.follower.session("s1", { signal: new AbortController().signal })) {
        states.push(update.type === "state" ? update.session.status : update.type);
      }
      expect(states).to.deep.equal(["active", "bookmark", "expired"]);
      await engine.stop();
    } finally {
      await real.remove();
    }
  });
});

describe("many deadlines at once", () => {
  const count = limits.queue_stops + 500;
  let place: Place;
  let running: Running;
  let journal: UnsyncedJournal;

  beforeEach(async () => {
    place = await newPlace();
    journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
  });

  afterEach(() => place.remove());

  it("leave room for a kill, though they are more than stops may wait", async () => {
    const { engine, admin } = running;
    for (let i = 0; i < count; i += 1000) {
      const round = Array.from({ length: 1000 }, (_, k) => start(admin, `s${i + k}`, { ttl_seconds: 60 }));
      await Promise.all(round.map((command) => engine.submit(command)));
    }
    await engine.submit(start(admin, "mine"));
    journal.hold();
    place.time.pass(60_000);
    await journal.held();
    const killed = engine.submit(kill(admin, "mine"));
    journal.release();
    expect((await killed).reply).to.include({ type: "session", session_id: "mine" });
  }).timeout(30_000);
});
