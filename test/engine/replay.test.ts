import { expect } from "chai";
import fc from "fast-check";
import { audit } from "../core/audit.js";
import { digest } from "../core/digest.js";
import { MemoryJournal } from "../journal/memory.js";
import { CountedJournal } from "./counted.js";
import { newPlace, type Place, verifiedFailures } from "./place.js";
import { acknowledged, run, scripts } from "./script.js";

describe("the log is the state", () => {
  let place: Place;

  before(async () => {
    place = await newPlace();
    await place.start();
  });

  after(() => place.remove());

  it("a replay leads to the state that was left, and so do the sealed facts", async () => {
    const property = fc.asyncProperty(scripts, async (script) => {
      await place.begin();
      const before = await place.start();
      const told = await run(script, before, place.time);
      await before.settle();
      const live = digest(before.engine.state);
      expect(digest(before.engine.projection.state), "sealed facts").to.equal(live);
      expect(audit(await before.events())).to.deep.equal([]);
      expect(await verifiedFailures(before.vault)).to.deep.equal([]);
      expect(told.faults).to.deep.equal([]);
      await before.engine.stop();
      place.time.restart();
      const again = await place.start();
      expect(digest(again.engine.state), "after a restart").to.equal(live);
      expect(digest(again.engine.projection.state), "sealed facts after a restart").to.equal(live);
    });
    await fc.assert(property, { numRuns: 60 });
  }).timeout(60_000);

  it("every crash point recovers to a log that holds, with every acknowledged entry", async () => {
    const property = fc.asyncProperty(scripts, fc.nat(), async (script, at) => {
      await place.begin();
      const journal = new CountedJournal(new MemoryJournal(place.disk));
      const before = await place.start({ journal });
      const told = await run(script, before, place.time);
      await before.settle();
      const kept = at % (journal.batches.length + 1);
      const written = [...place.disk.entries.slice(0, 1), ...journal.batches.slice(0, kept).flat()];
      await place.crashedWith(written);
      place.time.restart(500);
      const again = await place.start();
      const events = await again.events();
      expect(audit(events)).to.deep.equal([]);
      expect(await verifiedFailures(again.vault)).to.deep.equal([]);
      for (const [sequence, { leaf }] of acknowledged(told)) {
        if (sequence < written.length) {
          expect((await again.vault.entry(sequence))?.leaf).to.equal(leaf);
        }
      }
      expect(again.fatal).to.deep.equal([]);
    });
    await fc.assert(property, { numRuns: 60 });
  }).timeout(60_000);
});
