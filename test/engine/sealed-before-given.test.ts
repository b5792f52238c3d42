import { expect } from "chai";
import type { Outcome } from "../../src/engine/outcome.js";
import { MemoryJournal } from "../journal/memory.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, kill, start, touch, underKey } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

/** What a promise has come to, after as many turns of the event loop as anything here could need. */
async function stateOf(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  for (let turn = 0; turn < 20; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return state;
}

describe("sealed before given", () => {
  let place: Place;
  let journal: UnsyncedJournal;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
    await running.engine.submit(start(running.admin, "s1"));
    await running.engine.submit(start(running.admin, "s2"));
    await running.engine.submit(kill(running.admin, "s2"));
  });

  afterEach(() => place.remove());

  /** Submits commands of which only the first has an entry, while the disk does not answer. */
  async function submitHeld(): Promise<Readonly<Record<string, Promise<Outcome>>>> {
    const { engine, admin } = running;
    const { command, enclosed } = underKey(intercept(admin, "s1"), "once");
    journal.hold();
    const outcomes = {
      allow: engine.submit(command, enclosed),
      repeat: engine.submit(command, enclosed),
      "kill of a stopped session": engine.submit(kill(admin, "s2")),
      refusal: engine.submit(kill(admin, "nobody")),
      "sign of life": engine.submit(touch(admin, "s1")),
    };
    await journal.held();
    return outcomes;
  }

  it("no answer leaves before everything decided up to it is synced", async () => {
    const outcomes = await submitHeld();
    for (const [name, outcome] of Object.entries(outcomes)) {
      expect(await stateOf(outcome), name).to.equal("pending");
    }
    journal.release();
    for (const [name, outcome] of Object.entries(outcomes)) {
      expect(await stateOf(outcome), name).to.equal("resolved");
    }
  });

  it("after a power cut what is gone was never answered, and what was answered is there", async () => {
    const { reply } = await running.engine.submit(intercept(running.admin, "s1"));
    const outcomes = await submitHeld();
    journal.crash();
    for (const [name, outcome] of Object.entries(outcomes)) {
      expect(await stateOf(outcome), name).to.equal("pending");
    }
    const again = await place.start({ journal: new MemoryJournal(place.disk) });
    expect((await again.engine.projection.session("s1"))?.actions.spent).to.equal(1);
    expect(reply).to.deep.include({ type: "verdict", sequence: again.vault.head().size - 1 });
  });

  it("a kill binds before it is sealed, readers see it only after", async () => {
    const { engine, admin } = running;
    journal.hold();
    const killed = engine.submit(kill(admin, "s1"));
    const next = engine.submit(intercept(admin, "s1"));
    await journal.held();
    expect(engine.state.sessions.get("s1")?.status).to.equal("killed");
    expect((await engine.projection.session("s1"))?.status).to.equal("active");
    journal.release();
    await killed;
    expect((await engine.projection.session("s1"))?.status).to.equal("killed");
    expect((await next).events[0]).to.include({ decision: "terminate" });
  });

  it("an answer that needs no entry costs no write when nothing waits for one", async () => {
    const before = running.vault.head().size;
    journal.hold();
    await running.engine.submit(kill(running.admin, "s2"));
    await running.engine.submit(touch(running.admin, "s1"));
    expect(running.vault.head().size).to.equal(before);
  });
});
