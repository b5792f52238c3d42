import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import { limits } from "../../src/limits.js";
import type { StoredEntry } from "../../src/vault/journal.js";
import { MemoryJournal } from "../journal/memory.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, interceptWith, kill, start } from "./asked.js";
import { CountedJournal } from "./counted.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";

describe("group commit", () => {
  let place: Place;
  let journal: CountedJournal;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    journal = new CountedJournal(new MemoryJournal(place.disk));
    running = await place.start({ journal });
    await running.engine.submit(start(running.admin, "s1"));
    journal.batches.length = 0;
  });

  afterEach(() => place.remove());

  /** Callers that each ask, wait for the answer and ask again. */
  async function callers(count: number, actions_each: number): Promise<void> {
    const { engine, admin } = running;
    await Promise.all(
      Array.from({ length: count }, async () => {
        for (let i = 0; i < actions_each; i++) {
          await engine.submit(intercept(admin, "s1"));
        }
      }),
    );
  }

  it("one caller has an append of its own for each action", async () => {
    await callers(1, 50);
    expect(journal.batches).to.have.lengthOf(50);
  });

  it("64 concurrent callers take at most a tenth of the appends", async () => {
    await callers(64, 20);
    const entries = journal.batches.reduce((sum, batch) => sum + batch.length, 0);
    expect(entries).to.equal(64 * 20);
    expect(journal.batches.length).to.be.at.most(entries / 10);
  });

  it("callers that come one turn after the other share the next append", async () => {
    const outcomes = [];
    for (let i = 0; i < 40; i++) {
      outcomes.push(running.engine.submit(intercept(running.admin, "s1")));
      await null;
    }
    await Promise.all(outcomes);
    expect(journal.batches.length).to.be.at.most(2);
  });

  it("answers come in the order of the log", async () => {
    const { engine, admin } = running;
    const answered: number[] = [];
    const outcomes = Array.from({ length: 300 }, async (_, i) => {
      const { entries } = await engine.submit(intercept(admin, i % 3 === 0 ? null : "s1"));
      answered.push(entries[0]?.sequence_number as number);
    });
    await Promise.all(outcomes);
    expect(answered).to.have.lengthOf(300);
    expect(answered).to.deep.equal([...answered].sort((a, b) => a - b));
  });

  it("each event is answered with its own entry", async () => {
    const { engine, admin } = running;
    const outcomes = await Promise.all([
      engine.submit(intercept(admin, "s1")),
      engine.submit(kill(admin, "s1")),
      engine.submit(kill(admin, "s1")),
      engine.submit(intercept(admin, "s1")),
    ]);
    for (const { events, entries } of outcomes) {
      expect(entries.map(({ content }) => JSON.parse(content).event)).to.deep.equal(
        events.map(({ event }) => event),
      );
    }
    expect(outcomes.map(({ events }) => events.length)).to.deep.equal([1, 2, 0, 1]);
  });
});

describe("a batch", () => {
  let place: Place;
  let held: UnsyncedJournal;
  let journal: CountedJournal;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    held = new UnsyncedJournal(place.disk);
    journal = new CountedJournal(held);
    running = await place.start({ journal });
  });

  afterEach(() => place.remove());

  /** The events of each batch that is written once everything below `act` has been decided. */
  async function batchesOf(act: () => readonly Promise<unknown>[]): Promise<readonly string[][]> {
    const { engine, admin } = running;
    held.hold();
    const first = engine.submit(intercept(admin, null));
    await held.held();
    journal.batches.length = 0;
    const outcomes = act();
    held.release();
    await Promise.all([first, ...outcomes]);
    return journal.batches.map((batch) => batch.map(({ content }) => JSON.parse(content).event));
  }

  async function family(root: string, size: number): Promise<void> {
    const { engine, admin } = running;
    await engine.submit(start(admin, root));
    await Promise.all(
      Array.from({ length: size - 1 }, (_, i) =>
        engine.submit(start(admin, `${root}.${i}`, { parent_session_id: root })),
      ),
    );
  }

  it("holds whole commands, so that a crash cuts none of them", async () => {
    const { engine, admin } = running;
    for (const root of ["a", "b", "c"]) {
      await family(root, 99);
    }
    const batches = await batchesOf(() => ["a", "b", "c"].map((root) => engine.submit(kill(admin, root))));
    // Each kill is an order and 99 stops.
    expect(batches.flat()).to.have.lengthOf(300);
    for (const batch of batches) {
      expect(batch.length % 100).to.equal(0);
      expect(batch[0]).to.equal("halt_requested");
    }
  });

  it("is cut where a command alone has more entries than fit", async () => {
    await family("a", limits.batch_entries + 50);
    const batches = await batchesOf(() => [running.engine.submit(kill(running.admin, "a"))]);
    expect(batches.map((batch) => batch.length)).to.deep.equal([limits.batch_entries, 51]);
  });

  it("is cut where the bytes of a command alone are more than fit, and the server goes on", async () => {
    const { engine, vault, admin, fatal } = running;
    // 12 bytes of canonical text each: the longest that a name and a reason can be.
    const agent_id = "\u{1f600}".repeat(256);
    await engine.submit(start(admin, "root", { agent_id }));
    await Promise.all(
      Array.from({ length: 299 }, (_, i) =>
        engine.submit(start(admin, `root.${i}`, { agent_id, parent_session_id: "root" })),
      ),
    );
    const reason = "\u{1f600}".repeat(limits.reason_characters);
    const batches = await batchesOf(() => [engine.submit(kill(admin, "root", reason))]);
    expect(batches.flat()).to.have.lengthOf(301);
    expect(batches.length).to.be.above(1);
    expect(fatal).to.deep.equal([]);
    expect(engine.state.live_sessions).to.equal(0);
    expect(await verifiedFailures(vault)).to.deep.equal([]);
  });

  it("holds whole commands also where their bytes are what does not fit", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "s", { max_actions: 0 }));
    const [alone] = await batchesOf(() => [engine.submit(...large(admin, null))]);
    expect(alone).to.deep.equal(["enforcement_decision"]);
    // So many fill a batch that the next large one does not fit, but smaller ones would.
    const entry = journal.batches[0]?.[0] as StoredEntry;
    const bytes = entry.content.length + (entry.details?.length ?? 0) + limits.leaf_bytes;
    const full = Math.floor((limits.batch_bytes - bytes / 2) / bytes);
    const batches = await batchesOf(() => {
      const before = Array.from({ length: full }, () => engine.submit(...large(admin, null)));
      const last = engine.submit(...large(admin, "s"));
      // As many again, so that their number is not what cuts the batch.
      const after = Array.from({ length: full + 10 }, () => engine.submit(intercept(admin, null)));
      return [...before, last, ...after];
    });
    expect(batches[0]).to.have.lengthOf(full);
    expect(batches[1]?.slice(0, 3)).to.deep.equal([
      "budget_exceeded",
      "session_killed",
      "enforcement_decision",
    ]);
  });
});

/** An intercept with as much metadata as is kept. */
function large(actor: Actor, session_id: string | null) {
  const metadata = { text: "x".repeat(limits.details_bytes - 100) };
  return interceptWith(actor, session_id, { metadata, action_content: null });
}
