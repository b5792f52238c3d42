import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openLevel } from "../../src/vault/level.js";
import { StartError } from "../../src/vault/start-error.js";
import { FaultyJournal, InjectedFault } from "./faulty.js";
import { emptyDisk, MemoryJournal } from "./memory.js";
import { collect, failure, journalSuite, type Place, storedEntries } from "./suite.js";
import { UnsyncedJournal } from "./unsynced.js";

async function levelPlace(): Promise<Place & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "killcord-level-"));
  return {
    directory,
    journal: () => openLevel(directory).journal,
    remove: () => rm(directory, { recursive: true }),
  };
}

journalSuite("LevelDB", levelPlace);
journalSuite("memory", async () => {
  const disk = emptyDisk();
  return { journal: () => new MemoryJournal(disk), remove: async () => {} };
});
journalSuite("a page cache", async () => {
  const disk = emptyDisk();
  return { journal: () => new UnsyncedJournal(disk), remove: async () => {} };
});
journalSuite("memory, with faults of which none is planned", async () => {
  const disk = emptyDisk();
  return { journal: () => new FaultyJournal(new MemoryJournal(disk)), remove: async () => {} };
});

describe("the journal in LevelDB", () => {
  it("is locked for a second one, which says so, and free again once it is closed", async () => {
    const place = await levelPlace();
    const first = place.journal();
    await first.open();
    const error = await failure(() => place.journal().open());
    expect(error).to.be.instanceOf(StartError);
    expect((error as StartError).code).to.equal("start.locked");
    expect(error.message).to.match(/Another Killcord uses /);
    await first.close();
    const second = place.journal();
    await second.open();
    await second.close();
    await place.remove();
  });

  it("keeps derived indexes beside the entries, and apart from them", async () => {
    const place = await levelPlace();
    const store = openLevel(place.directory);
    await store.journal.open();
    await store.journal.append({ size: 0 }, storedEntries(0, 2));
    await store.derived("by_decision").put("dec_1", "1");
    expect(await store.derived("by_decision").get("dec_1")).to.equal("1");
    expect(await store.derived("by_session").get("dec_1")).to.equal(undefined);
    await store.derived("by_decision").clear();
    expect(await collect(store.journal.read(0, 10))).to.deep.equal(storedEntries(0, 2));
    expect(() => store.derived("entries")).to.throw(RangeError);
    await store.close();
    await place.remove();
  });
});

describe("the journal with a page cache", () => {
  it("loses at a power cut what was not synced, and nothing else", async () => {
    const journal = new UnsyncedJournal();
    await journal.open();
    await journal.append({ size: 0 }, storedEntries(0, 2));
    journal.hold();
    let resolved = false;
    void journal.append({ size: 2 }, storedEntries(2, 3)).then(() => {
      resolved = true;
    });
    await journal.held();
    expect(await collect(journal.read(0, 10))).to.have.length(3);
    journal.crash();
    journal.release();
    const after = new UnsyncedJournal(journal.disk);
    expect(await after.open()).to.deep.equal({ size: 2 });
    expect(resolved).to.equal(false);
  });

  it("resolves a held append once it is released", async () => {
    const journal = new UnsyncedJournal();
    await journal.open();
    journal.hold();
    const append = journal.append({ size: 0 }, storedEntries(0, 1));
    await journal.held();
    expect(journal.disk.entries).to.have.length(0);
    journal.release();
    await append;
    expect(journal.disk.entries).to.have.length(1);
  });
});

describe("the journal with faults", () => {
  for (const [flavour, size] of [
    ["lost", 0],
    ["stored", 1],
  ] as const) {
    it(`fails an append that is ${flavour}`, async () => {
      const disk = emptyDisk();
      const journal = new FaultyJournal(new MemoryJournal(disk));
      await journal.open();
      journal.fail("append", flavour);
      const error = await failure(() => journal.append({ size: 0 }, storedEntries(0, 1)));
      expect(error).to.be.instanceOf(InjectedFault);
      expect(disk.entries).to.have.length(size);
    });

    it(`fails a read that is ${flavour}, and the second open and close as planned`, async () => {
      const journal = new FaultyJournal(new MemoryJournal());
      journal.fail("open", flavour, 1);
      journal.fail("close", flavour);
      journal.fail("read", flavour);
      await journal.open();
      expect(await failure(() => journal.open())).to.be.instanceOf(InjectedFault);
      expect(await failure(() => collect(journal.read(0, 1)))).to.be.instanceOf(InjectedFault);
      expect(await failure(() => journal.close())).to.be.instanceOf(InjectedFault);
    });
  }
});
