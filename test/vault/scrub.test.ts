import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Level } from "level";
import { decodeBatch, encodeBatch } from "../../src/vault/batch.js";
import { checkVault } from "../../src/vault/check.js";
import { node_files } from "../../src/vault/files.js";
import type { StoredEntry } from "../../src/vault/journal.js";
import { openLevel } from "../../src/vault/level.js";
import { leafHash } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { repairVault } from "../../src/vault/repair.js";
import { DamageFound, Scrub } from "../../src/vault/scrub.js";
import { openVault } from "../../src/vault/start.js";
import { StaticLog } from "../../src/vault/static-log.js";
import { VaultPoisoned } from "../../src/vault/vault.js";
import { emptyDisk, MemoryJournal } from "../journal/memory.js";
import { collect, failure } from "../journal/suite.js";
import {
  draft,
  drafts,
  openStored,
  published,
  refusedStart,
  removeScratch,
  scratchDirectory,
  vaultOptions,
} from "./fixture.js";

const salted = `{"_salt":"${"1".repeat(32)}"}`;

/** A vault of 600 entries, all published, that reads itself again as fast as it can. */
async function scrubbed() {
  const directory = await scratchDirectory();
  const disk = emptyDisk();
  let tell: (error: Error) => void = () => {};
  const poisoned = new Promise<Error>((resolve) => {
    tell = resolve;
  });
  const journal = new MemoryJournal(disk);
  const vault = await openVault(
    vaultOptions(directory, { journal, scrub_ms: 5, onPoisoned: (error) => tell(error) }),
  );
  await vault.seal([draft("one", salted), ...drafts(598)]);
  await published(vault);
  return { directory, disk, vault, poisoned };
}

describe("the scrub", () => {
  afterEach(removeScratch);

  it("reads all entries again and again, and is quiet as long as they are what was sealed", async () => {
    const { directory, disk, vault } = await scrubbed();
    await vault.close();
    const { signed } = vault.publication;
    const journal = new MemoryJournal(disk);
    await journal.open();
    const found: Error[] = [];
    const scrub = new Scrub({
      journal,
      log: new StaticLog(join(directory, "log"), node_files),
      signed: () => signed,
      pass_ms: 1,
    });
    scrub.begin((error) => found.push(error));
    while (scrub.passes < 3 && found.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await scrub.end();
    expect(found).to.deep.equal([]);
  });

  const damage: Readonly<Record<string, (entries: StoredEntry[]) => void>> = {
    "a content was changed": (entries) => {
      const entry = entries[300] as StoredEntry;
      entries[300] = { ...entry, content: entry.content.replace("note", "nope") };
    },
    "details were changed": (entries) => {
      const entry = entries[1] as StoredEntry;
      entries[1] = { ...entry, details: salted.replace("1", "2") };
    },
    "a signature was changed": (entries) => {
      const [entry, other] = [entries[400] as StoredEntry, entries[401] as StoredEntry];
      const value = JSON.parse(entry.leaf).signature.value;
      entries[400] = { ...entry, leaf: entry.leaf.replace(value, JSON.parse(other.leaf).signature.value) };
    },
    "the end is gone": (entries) => {
      entries.splice(590);
    },
  };

  for (const [name, act] of Object.entries(damage)) {
    it(`poisons the vault when ${name}`, async () => {
      const { disk, vault, poisoned } = await scrubbed();
      act(disk.entries as StoredEntry[]);
      const error = await poisoned;
      expect(error).to.be.instanceOf(VaultPoisoned);
      expect(error.cause).to.be.instanceOf(DamageFound);
      expect((error.cause as Error).message).to.match(/killcord vault check/);
      expect(await failure(() => vault.seal(drafts(1)))).to.be.instanceOf(VaultPoisoned);
      await vault.close();
    });
  }

  for (const path of ["tile/0/001", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/88"]) {
    it(`poisons the vault when log/${path} was changed, or is gone`, async () => {
      for (const act of [
        async (file: string) => {
          const bytes = await readFile(file);
          bytes[7] = (bytes[7] as number) ^ 1;
          await writeFile(file, bytes);
        },
        (file: string) => rm(file),
      ]) {
        const { directory, vault, poisoned } = await scrubbed();
        await act(join(directory, "log", path));
        expect(((await poisoned).cause as Error).message).to.include(path);
        await vault.close();
      }
    });
  }
});

describe("the check of a stopped vault", () => {
  afterEach(removeScratch);

  async function stopped(): Promise<string> {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    vault.publish();
    await vault.seal(drafts(299));
    await published(vault);
    await vault.seal(drafts(100));
    await vault.close();
    return directory;
  }

  const check = (directory: string) =>
    checkVault({ directory, journal: openLevel(join(directory, "store")).journal });

  const repair = (directory: string) => {
    const { journal: _, ...options } = vaultOptions(directory);
    return repairVault({ ...options, journal: () => openLevel(join(directory, "store")).journal });
  };

  it("says what holds, and changes nothing", async () => {
    const directory = await stopped();
    for (let i = 0; i < 2; i++) {
      const report = await check(directory);
      expect(report).to.include({
        entries: 400,
        newest_checkpoint: 400,
        beyond: 0,
        shown_checkpoint: 400,
        head_mark: "fits",
        log_files: 5,
      });
      expect(report.roots_compared).to.be.at.least(3);
      expect([...report.missing, ...report.different]).to.deep.equal([]);
    }
  });

  it("names files of the static log that are missing or different; a repair writes them anew and seals that it did", async () => {
    const directory = await stopped();
    const before = await readFile(join(directory, "log/tile/0/000"));
    await writeFile(join(directory, "log/tile/0/000"), Buffer.alloc(before.length));
    await rm(join(directory, "log/tile/entries/001.p/144"));
    const report = await check(directory);
    expect(report).to.deep.include({ missing: ["tile/entries/001.p/144"], different: ["tile/0/000"] });
    expect(await repair(directory)).to.deep.equal({ ...report, restored_leaves: [] });
    expect((await readFile(join(directory, "log/tile/0/000"))).equals(before)).to.equal(true);
    const after = await check(directory);
    expect(after).to.deep.include({ entries: 401, beyond: 1, missing: [], different: [] });
    const vault = await openStored(directory);
    const last = JSON.parse((await collect(vault.read(400, 1)))[0]?.content as string);
    expect(last).to.deep.include({ event: "notice", kind: "vault_repaired" });
    expect(last.body).to.deep.equal({
      ...{ missing_files: 1, different_files: 1, restored_leaves: 0, log_size: 400 },
    });
    await vault.close();
    expect((await repair(directory)).entries, "nothing to repair: nothing sealed").to.equal(401);
    expect((await check(directory)).entries).to.equal(401);
  });

  describe("with a damaged entry", () => {
    /** Changes one character of one stored entry, as a failing disk does. */
    async function damage(directory: string, index: number, member: "leaf" | "content"): Promise<void> {
      const level = new Level(join(directory, "store"));
      await level.open();
      const options = { keyEncoding: "buffer", valueEncoding: "buffer" } as const;
      const entries = level.sublevel<Buffer, Buffer>("entries", options);
      for await (const [key, value] of entries.iterator()) {
        const first = Number(key.readBigUInt64BE());
        const batch = decodeBatch(first, value).map((entry) => {
          const text = entry[member];
          const at = text.length - 20;
          const other = text[at] === "A" ? "B" : "A";
          const changed = `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
          return entry.sequence_number === index ? { ...entry, [member]: changed } : entry;
        });
        await entries.put(key, encodeBatch(batch));
      }
      await level.close();
    }

    for (const index of [100, 300]) {
      it(`restores the leaf of entry ${index} from the static log, and seals that it did`, async () => {
        const directory = await stopped();
        const before = await check(directory);
        await damage(directory, index, "leaf");
        expect((await refusedStart(() => openStored(directory))).code).to.equal("start.damaged");
        expect(await repair(directory)).to.deep.equal({ ...before, restored_leaves: [index] });
        expect(await check(directory)).to.deep.include({ entries: 401, missing: [], different: [] });
        const vault = await openStored(directory);
        const last = JSON.parse((await collect(vault.read(400, 1)))[0]?.content as string);
        expect(last).to.deep.include({ kind: "vault_repaired" });
        expect(last.body).to.include({ restored_leaves: 1 });
        await vault.close();
      });
    }

    it("takes no leaf that is not what was sealed, though the static log is made to tell so", async () => {
      const directory = await stopped();
      await damage(directory, 100, "leaf");
      const store = openLevel(join(directory, "store")).journal;
      await store.open();
      const [stored] = await collect(store.read(100, 1));
      await store.close();
      // Bundle and tile agree with each other, and with nothing else.
      const bundle = await readFile(join(directory, "log/tile/entries/000"));
      const at = bundle.indexOf('"sequence_number":100,');
      bundle.write('"sequence_number":101,', at);
      const begin = bundle.lastIndexOf('{"content_hash', at);
      const leaf = bundle.subarray(begin, begin + (stored?.leaf.length as number));
      await writeFile(join(directory, "log/tile/entries/000"), bundle);
      const tile = await readFile(join(directory, "log/tile/0/000"));
      tile.set(leafHash(leaf, node_crypto.sha256), 100 * 32);
      await writeFile(join(directory, "log/tile/0/000"), tile);
      const error = (await failure(() => repair(directory))) as { code?: string };
      expect(error.code).to.equal("start.damaged");
      expect((await refusedStart(() => openStored(directory))).code).to.equal("start.damaged");
    });

    it("cannot restore what an entry says, and changes nothing then", async () => {
      const directory = await stopped();
      await damage(directory, 100, "leaf");
      await damage(directory, 200, "content");
      for (const work of [() => repair(directory), () => repair(directory)]) {
        const error = (await failure(work)) as { code?: string; message: string };
        expect(error.code).to.equal("start.damaged");
        expect(error.message).to.match(/Entry 200/);
      }
      expect((await refusedStart(() => openStored(directory))).message).to.match(/Entry 100/);
    });
  });

  it("is refused as a start would be, and a repair then changes nothing", async () => {
    const directory = await stopped();
    await rm(join(directory, "store"), { recursive: true });
    for (const work of [() => check(directory), () => repair(directory)]) {
      expect(((await failure(work)) as { code?: string }).code).to.equal("start.rollback");
    }
    const gone = await stopped();
    await rm(join(gone, "checkpoints.log"));
    expect(((await failure(() => check(gone))) as { code?: string }).code).to.equal("start.no_checkpoint");
    expect((await refusedStart(() => openStored(gone))).code).to.equal("start.no_checkpoint");
  });
});
