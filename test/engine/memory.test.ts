import { expect } from "chai";
import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import type { EnforcementDecision, Event } from "../../src/core/event.js";
import type { Session } from "../../src/core/state.js";
import { audit } from "../core/audit.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { end, intercept, kill, start } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";
import { run, scripts } from "./script.js";

const small = { engine: { stopped_sessions: 2 } };

/** The places that a session's entries say they have among its entries. */
function indexes(events: readonly Event[], session_id: string): readonly (number | null)[] {
  return events.flatMap((event) =>
    "session_id" in event && event.session_id === session_id ? [event.session_index] : [],
  );
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe("memory", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start(small);
  });

  afterEach(() => place.remove());

  async function stopped(...session_ids: readonly string[]): Promise<void> {
    for (const session_id of session_ids) {
      await running.engine.submit(start(running.admin, session_id));
      await running.engine.submit(kill(running.admin, session_id, `end of ${session_id}`));
    }
  }

  async function restart(): Promise<void> {
    await running.engine.stop();
    place.time.restart();
    running = await place.start(small);
  }

  async function terminate(session_id: string): Promise<EnforcementDecision> {
    const { events } = await running.engine.submit(intercept(running.admin, session_id));
    return events[0] as EnforcementDecision;
  }

  it("holds only the sessions that stopped last", async () => {
    await stopped("s1", "s2", "s3", "s4");
    expect([...running.engine.state.sessions.keys()]).to.deep.equal(["s3", "s4"]);
    expect([...running.engine.projection.state.sessions.keys()]).to.deep.equal(["s3", "s4"]);
  });

  it("keeps every live session, however old", async () => {
    await running.engine.submit(start(running.admin, "live"));
    await stopped("s1", "s2", "s3", "s4");
    expect([...running.engine.state.sessions.keys()]).to.deep.equal(["live", "s3", "s4"]);
  });

  it("shows a session that left it as it was", async () => {
    await stopped("s1");
    const before = await running.engine.projection.session("s1");
    await stopped("s2", "s3");
    expect(running.engine.state.sessions.has("s1")).to.equal(false);
    expect(await running.engine.projection.session("s1")).to.deep.equal(before);
    expect(await running.engine.projection.session("never")).to.equal(null);
  });

  it("takes a session back when it is named: its next action gets its terminate", async () => {
    await stopped("s1", "s2", "s3");
    const decision = await terminate("s1");
    expect(decision).to.include({ decision: "terminate", reasoning: "end of s1", session_index: 2 });
  });

  it("answers kill and end of a session that left it with what it is", async () => {
    await stopped("s1", "s2", "s3");
    for (const command of [kill(running.admin, "s1"), end(running.admin, "s1")]) {
      const { reply, events } = await running.engine.submit(command);
      expect(reply).to.deep.equal({ type: "session", session_id: "s1", replayed: false });
      expect(events).to.deep.equal([]);
    }
  });

  it("counts a session's entries without gap or repeat, whatever left and came back", async () => {
    await stopped("s1", "s2", "s3");
    await terminate("s1");
    await stopped("s4", "s5");
    await terminate("s1");
    await restart();
    await terminate("s1");
    await stopped("s6", "s7");
    await restart();
    await terminate("s1");
    const events = await running.events();
    expect(indexes(events, "s1")).to.deep.equal(upTo(6));
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("counts no entry twice in a replay that begins with the rows of a later time", async () => {
    await stopped("s1", "s2", "s3");
    await terminate("s1");
    await terminate("s1");
    const before = await running.engine.projection.session("s1");
    await restart();
    await running.engine.load(["s1"]);
    expect(running.engine.state.sessions.get("s1")).to.deep.equal(before);
  });

  it("counts on when many callers name the same absent session at once", async () => {
    await stopped("s1", "s2", "s3");
    await Promise.all(upTo(10).map(() => terminate("s1")));
    expect(indexes(await running.events(), "s1")).to.deep.equal(upTo(12));
  });

  it("counts on when every index is gone, and when they are of another, longer log", async () => {
    await stopped("s1", "s2", "s3");
    await terminate("s1");
    await running.engine.stop();
    place.time.restart();
    place.rows = new MemoryLevel<string, string>();
    running = await place.start(small);
    await terminate("s1");
    const kept = [...place.disk.entries];
    await terminate("s1");
    await stopped("s4", "s5");
    await running.engine.stop();
    place.time.restart();
    await place.crashedWith(kept);
    running = await place.start(small);
    expect(await running.engine.projection.session("s5")).to.equal(null);
    await terminate("s1");
    expect(indexes(await running.events(), "s1")).to.deep.equal(upTo(5));
  });

  it("counts on though a session leaves while its next entry is on its way to the disk", async () => {
    const held = await newPlace();
    try {
      const journal = new UnsyncedJournal(held.disk);
      running = await held.start({ ...small, journal });
      const { engine, admin } = running;
      await stopped("s1", "s2");
      await engine.submit(start(admin, "s3"));
      journal.hold();
      // The first append stops a session more than memory holds; the second is about the oldest.
      const third = engine.submit(kill(admin, "s3"));
      await journal.held();
      const last = engine.submit(intercept(admin, "s1"));
      journal.release();
      await Promise.all([third, last]);
      await stopped("s4", "s5");
      await terminate("s1");
      expect(indexes(await running.events(), "s1")).to.deep.equal(upTo(4));
    } finally {
      await held.remove();
    }
  });

  it("sums up what a session that left it was told again and again", async () => {
    await stopped("s1");
    for (let i = 0; i < 20; i++) {
      await running.engine.submit(intercept(running.admin, "s1"));
    }
    await stopped("s2", "s3");
    place.time.pass(60_000);
    await running.settle();
    await running.settle();
    const notice = (await running.events()).find((event) => event.event === "notice");
    // After its start, its stop, sixteen terminates and the deadline of its stop.
    expect(notice).to.deep.include({ session_id: "s1", session_index: 19 });
    expect(notice?.body).to.include({ count: 4 });
  });

  it("lists every stopped session, newest start first", async () => {
    await stopped("s1", "s2", "s3", "s4");
    const listed: string[] = [];
    const { projection } = running.engine;
    for await (const { session_id } of projection.stoppedSessions(projection.size)) {
      listed.push(session_id);
    }
    expect(listed).to.deep.equal(["s4", "s3", "s2", "s1"]);
  });
});

describe("whatever memory holds", () => {
  let place: Place;

  before(async () => {
    place = await newPlace();
    await place.start();
  });

  after(() => place.remove());

  it("the log holds, and every session is shown as a full replay has it", async () => {
    const sizes = fc.constantFrom(0, 1, 3);
    const property = fc.asyncProperty(scripts, scripts, sizes, async (first, second, stopped_sessions) => {
      await place.begin();
      const options = { engine: { stopped_sessions } };
      const sessions: string[] = [];
      const before = await place.start(options);
      await run(first, before, place.time, sessions);
      await before.engine.stop();
      place.time.restart(500);
      const running = await place.start(options);
      await run(second, running, place.time, sessions);
      await running.settle();
      const events = await running.events();
      expect(audit(events)).to.deep.equal([]);
      await running.engine.stop();
      place.time.restart();
      place.rows = new MemoryLevel<string, string>();
      const whole = await place.start();
      for (const expected of whole.engine.projection.state.sessions.values()) {
        const shown = await running.engine.projection.session(expected.session_id);
        expect(shown).to.deep.equal(plain(expected));
      }
    });
    await fc.assert(property, { numRuns: 60 });
  }).timeout(60_000);
});

function plain(session: Session): Session {
  return JSON.parse(JSON.stringify(session)) as Session;
}
