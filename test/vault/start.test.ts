import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmod, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Level } from "level";
import { decodeBatch, encodeBatch } from "../../src/vault/batch.js";
import { chain } from "../../src/vault/chain.js";
import { envelopeOf, leafOf, type SealedEntry } from "../../src/vault/entry.js";
import type { Journal, StoredEntry } from "../../src/vault/journal.js";
import { makeKeys, readKeys } from "../../src/vault/keys.js";
import type { Content } from "../../src/vault/scan.js";
import { scan } from "../../src/vault/scan.js";
import { keyId, Signer, spkiOf } from "../../src/vault/signer.js";
import { openVault } from "../../src/vault/start.js";
import { StartError } from "../../src/vault/start-error.js";
import { type VaultHead, VaultPoisoned } from "../../src/vault/vault.js";
import { FaultyJournal } from "../journal/faulty.js";
import { emptyDisk, MemoryJournal } from "../journal/memory.js";
import { collect, failure } from "../journal/suite.js";
import {
  draft,
  drafts,
  openStored,
  origin,
  refusedStart,
  removeScratch,
  scratchDirectory,
  vaultOptions,
} from "./fixture.js";

const details = `{"_salt":"${"1".repeat(32)}"}`;

/** A data directory with a closed log of three writes: entry 0, entries 1 and 2, entry 3. */
async function closedLog(): Promise<string> {
  const directory = await scratchDirectory();
  const vault = await openStored(directory);
  await vault.seal([draft("one"), draft("two", details)]);
  await vault.seal([draft("three")]);
  await vault.close();
  return directory;
}

/** Lets somebody who has no part in the program at the stored writes. */
async function tamper(
  directory: string,
  act: (entries: ReturnType<typeof entriesOf>) => Promise<unknown>,
): Promise<void> {
  const level = new Level(join(directory, "store"));
  await level.open();
  await act(entriesOf(level));
  await level.close();
}

function entriesOf(level: Level) {
  return level.sublevel<Buffer, Buffer>("entries", { keyEncoding: "buffer", valueEncoding: "buffer" });
}

function keyOf(index: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(index, 4);
  return key;
}

async function refusedCode(directory: string): Promise<string> {
  return (await refusedStart(() => openStored(directory))).code;
}

describe("a later start", () => {
  afterEach(removeScratch);

  it("finds the same head, name and keys, and goes on from there", async () => {
    const directory = await scratchDirectory();
    const first = await openStored(directory);
    await first.seal(drafts(3));
    const [head, trust] = [first.head(), first.trust()];
    await first.close();
    const second = await openStored(directory, { origin: undefined });
    expect(second.head()).to.deep.equal(head);
    expect(second.trust()).to.equal(trust);
    expect(second.created).to.equal(false);
    expect([second.origin, second.workspace_id]).to.deep.equal([first.origin, first.workspace_id]);
    expect(Buffer.from(second.pepper).equals(first.pepper)).to.equal(true);
    await second.seal(drafts(1));
    await second.close();
    const third = await openStored(directory);
    expect(third.head().size).to.equal(5);
    await third.close();
  });

  it("hands on every entry once and in order, as the first start does with its own", async () => {
    const seen: [SealedEntry, Content][] = [];
    const onEntry = (entry: SealedEntry, content: Content) => seen.push([entry, content]);
    const directory = await scratchDirectory();
    const first = await openStored(directory, { onEntry });
    expect(seen.map(([entry]) => entry.sequence_number)).to.deep.equal([0]);
    await first.seal(drafts(300));
    const sealed = await collect(first.read(0, 400));
    await first.close();
    seen.length = 0;
    await (await openStored(directory, { onEntry })).close();
    expect(seen.map(([entry]) => entry)).to.deep.equal(sealed);
    expect(seen.map(([, content]) => content)).to.deep.equal(sealed.map((e) => JSON.parse(e.content)));
  });

  it("is refused while another process has the log open", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    const error = await refusedStart(() => openStored(directory));
    expect(error.code).to.equal("start.locked");
    expect(error.message).to.match(/Another Killcord uses .*store\. Stop it first/);
    await vault.seal(drafts(1));
    await vault.close();
  });

  it("accepts an entry whose details were erased", async () => {
    const directory = await closedLog();
    await tamper(directory, async (entries) => {
      const batch = decodeBatch(1, (await entries.get(keyOf(1))) as Buffer);
      expect(batch[1]?.details).to.equal(details);
      const erased = batch.map((entry) => ({ ...entry, details: null }));
      await entries.put(keyOf(1), encodeBatch(erased));
    });
    const vault = await openStored(directory);
    expect((await vault.entry(2))?.details).to.equal(null);
    await vault.close();
  });

  describe("is refused", () => {
    for (const [which, index] of [
      ["first", 0],
      ["middle", 1],
    ] as const) {
      it(`when the ${which} write is missing`, async () => {
        const directory = await closedLog();
        await tamper(directory, (entries) => entries.del(keyOf(index)));
        const error = await refusedStart(() => openStored(directory));
        expect(error.code).to.equal("start.gap");
        expect(error.message).to.match(new RegExp(`Entry ${index} was expected`));
      });
    }

    it("when a write is there twice", async () => {
      const directory = await closedLog();
      await tamper(directory, async (entries) => {
        const batch = decodeBatch(1, (await entries.get(keyOf(1))) as Buffer);
        await entries.put(keyOf(2), encodeBatch(batch.slice(1)));
      });
      expect(await refusedCode(directory)).to.equal("start.gap");
    });

    it("when two entries of a write changed places", async () => {
      const directory = await closedLog();
      await tamper(directory, async (entries) => {
        const batch = decodeBatch(1, (await entries.get(keyOf(1))) as Buffer);
        await entries.put(keyOf(1), encodeBatch([...batch].reverse()));
      });
      expect(await refusedCode(directory)).to.equal("start.damaged");
    });

    it("when the last write is no write at all", async () => {
      const directory = await closedLog();
      await tamper(directory, (entries) => entries.put(keyOf(4), Buffer.from("hello")));
      expect(await refusedCode(directory)).to.equal("start.damaged");
    });

    it("when the store is gone, and again after it was refused: never a new log", async () => {
      const directory = await closedLog();
      await rm(join(directory, "store"), { recursive: true });
      expect(await refusedCode(directory)).to.equal("start.rollback");
      expect(await refusedCode(directory)).to.equal("start.rollback");
    });

    it("when the keys are gone, also when unused new ones lie there", async () => {
      const directory = await closedLog();
      await rm(join(directory, "keys"), { recursive: true });
      expect(await refusedCode(directory)).to.equal("start.keys");
      await makeKeys(join(directory, "keys.new"), randomBytes);
      expect(await refusedCode(directory)).to.equal("start.keys");
      expect(await readdir(directory)).not.to.include("keys");
    });

    it("when a key file can be read by others", async () => {
      const directory = await closedLog();
      await chmod(join(directory, "keys", "entry.p256.pem"), 0o644);
      expect(await refusedCode(directory)).to.equal("start.keys");
    });

    for (const file of ["entry.p256.pem", "checkpoint.p256.pem", "checkpoint.ed25519.pem"]) {
      it(`when ${file} is that of another log`, async () => {
        const [directory, other] = [await closedLog(), await closedLog()];
        await cp(join(other, "keys", file), join(directory, "keys", file));
        expect(await refusedCode(directory)).to.equal("start.keys");
      });
    }

    it("when the store is that of another log, also of the same name", async () => {
      const [directory, other] = [await closedLog(), await closedLog()];
      await rm(join(directory, "store"), { recursive: true });
      await cp(join(other, "store"), join(directory, "store"), { recursive: true });
      expect(await refusedCode(directory)).to.equal("start.foreign_log");
    });

    it("when another log was asked for", async () => {
      const directory = await closedLog();
      for (const name of [{ origin: "vault.example.com/other" }, { workspace_id: "ws_other" }]) {
        const error = await refusedStart(() => openStored(directory, name));
        expect(error.code).to.equal("start.foreign_log");
        expect(error.message).to.include(Object.values(name)[0]).and.to.include(origin);
      }
    });

    it("when the data directory is a file", async () => {
      const directory = join(await scratchDirectory(), "data");
      await writeFile(directory, "");
      expect(await refusedCode(directory)).to.equal("start.directory");
      expect(await refusedCode(join(directory, "below"))).to.equal("start.directory");
    });

    it("when no directory can be made there, though its parent seems to be missing", async function () {
      if (process.platform !== "linux") {
        this.skip();
      }
      const error = await refusedStart(() => openStored("/proc/killcord/data"));
      expect(error.code).to.equal("start.directory");
      expect(error.message).to.include("/proc/killcord").and.to.include("this user can write");
    });

    it("when one byte of a stored write was changed", async () => {
      const directory = await closedLog();
      await tamper(directory, async (entries) => {
        const value = (await entries.get(keyOf(1))) as Buffer;
        value[500] = (value[500] as number) ^ 1;
        await entries.put(keyOf(1), value);
      });
      expect(await refusedCode(directory)).to.equal("start.damaged");
    });

    it("when one bit flipped in the middle of LevelDB's write-ahead file, which LevelDB passes over", async () => {
      const directory = await scratchDirectory();
      const vault = await openStored(directory);
      for (let i = 0; i < 5; i++) {
        await vault.seal([draft("x".repeat(30_000))]);
      }
      await vault.close();
      const path = await writeAheadFile(directory);
      const bytes = await readFile(path);
      bytes[50_000] = (bytes[50_000] as number) ^ 1;
      await writeFile(path, bytes);
      expect(await refusedCode(directory)).to.equal("start.gap");
    });

    it("when LevelDB's write-ahead file was deleted, over which LevelDB opens empty", async () => {
      const directory = await closedLog();
      await rm(await writeAheadFile(directory));
      expect(await refusedCode(directory)).to.equal("start.rollback");
    });
  });
});

async function writeAheadFile(directory: string): Promise<string> {
  const files = (await readdir(join(directory, "store"))).filter((file) => file.endsWith(".log"));
  expect(files).to.have.length(1);
  return join(directory, "store", files[0] as string);
}

/** A journal over the bytes of one write. */
function journalOf(value: Buffer): Journal {
  const none = () => Promise.reject(new Error("not asked for"));
  return {
    open: none,
    append: none,
    close: none,
    async *read(): AsyncGenerator<StoredEntry> {
      yield* decodeBatch(0, value);
    },
  };
}

describe("the scan at start", () => {
  afterEach(removeScratch);

  it("finds each byte that is flipped, whichever it is", async () => {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const vault = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }));
    await vault.seal([draft("one", details)]);
    const keys = (await readKeys(join(directory, "keys"))) ?? expect.fail("there are keys");
    const value = encodeBatch(disk.entries);
    const start = (bytes: Buffer) => scan(journalOf(bytes), 2, keys, {}, () => {});
    expect((await start(value)).last.entry_hash).to.equal(vault.head().entry_hash);
    for (let at = 0; at < value.length; at++) {
      const flipped = Buffer.from(value);
      // Another bit each time, so that all eight are tried all over the value.
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      const error = await failure(() => start(flipped));
      const refused = error instanceof StartError || error.name === "BatchError";
      expect(refused, `byte ${at}: ${error.stack}`).to.equal(true);
    }
  });

  interface Forgery {
    /** Who signs: the log's own key, or another. */
    readonly signer: "own" | "other";
    /** Whose id the entry names. */
    readonly named: "own" | "other";
    readonly head?: Partial<VaultHead>;
  }

  /** What the start says to an entry 1 that somebody wrote into the store. */
  async function refusedForgery({ signer, named, head }: Forgery): Promise<string> {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const options = () => vaultOptions(directory, { journal: new MemoryJournal(disk) });
    const vault = await openVault(options());
    const keys = (await readKeys(join(directory, "keys"))) ?? expect.fail("there are keys");
    const key = { own: keys.entry, other: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey };
    const prepared = { at: "", content: JSON.stringify({ event: "notice" }), details: null };
    const [entry] = chain({ ...vault.head(), ...head }, "", [prepared]).entries;
    const { link, entry_hash } = entry ?? expect.fail("one entry");
    const [signature] = await new Signer(key[signer]).sign([entry_hash]);
    const key_id = keyId(spkiOf(key[named]));
    const leaf = leafOf(envelopeOf(origin, link, entry_hash, key_id, signature as string));
    disk.entries.push({ sequence_number: 1, leaf, content: prepared.content, details: null });
    await vault.close();
    const error = await refusedStart(() => openVault(options()));
    expect(error.code).to.equal("start.damaged");
    return error.message;
  }

  it("finds an entry that another key signed", async () => {
    expect(await refusedForgery({ signer: "other", named: "other" })).to.match(
      /Entry 1 .* names the key vsk_/,
    );
  });

  it("finds an entry that another key signed in the name of the log's", async () => {
    const message = await refusedForgery({ signer: "other", named: "own" });
    expect(message).to.match(/Entry 1 .* its signature is not that of vsk_/);
  });

  it("finds an entry that follows another than the one before it, though the log's key signed it", async () => {
    const head = { entry_hash: "0".repeat(64) };
    expect(await refusedForgery({ signer: "own", named: "own", head })).to.match(/Entry 1 .* previous_hash/);
  });

  it("finds an entry that was signed before the one before it", async () => {
    const head = { signed_at: "2026-11-22T11:59:59.000Z" };
    expect(await refusedForgery({ signer: "own", named: "own", head })).to.match(/Entry 1 .* signed at/);
  });

  it("finds that the store ends before the end that it announced", async () => {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const vault = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }));
    await vault.seal(drafts(2));
    const keys = (await readKeys(join(directory, "keys"))) ?? expect.fail("there are keys");
    const error = await failure(() => scan(journalOf(encodeBatch(disk.entries)), 4, keys, {}, () => {}));
    expect(error).to.include({ code: "start.gap" });
    expect(error.message).to.match(/Entry 3 was expected/);
  });

  it("finds another pepper than the log was begun with", async () => {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const options = () => vaultOptions(directory, { journal: new MemoryJournal(disk) });
    await (await openVault(options())).close();
    await writeFile(join(directory, "keys", "pepper"), randomBytes(32));
    const error = await refusedStart(() => openVault(options()));
    expect(error.code).to.equal("start.keys");
    expect(error.message).to.match(/pepper is not the one/);
  });

  it("finds an entry of another log's name in the middle", async () => {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const options = () => vaultOptions(directory, { journal: new MemoryJournal(disk) });
    const vault = await openVault(options());
    await vault.seal(drafts(2));
    await vault.close();
    const entry = disk.entries[1] as StoredEntry;
    disk.entries[1] = { ...entry, leaf: entry.leaf.replace(origin, "vault.example.com/acm3") };
    expect((await refusedStart(() => openVault(options()))).code).to.equal("start.foreign_log");
  });
});

describe("a first start that was cut short", () => {
  afterEach(removeScratch);

  it("begins again when entry 0 was not stored", async () => {
    const { directory, disk } = await cut("lost");
    expect(disk.entries).to.have.length(0);
    const vault = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }));
    expect(vault.created).to.equal(true);
    expect(await readdir(directory)).to.deep.equal(["checkpoints.log", "head", "keys", "log"]);
    await vault.close();
  });

  it("goes on with entry 0 when that was stored, and with its keys", async () => {
    const { directory, disk } = await cut("stored");
    const [stored] = disk.entries;
    const seen: string[] = [];
    const onEntry = (entry: SealedEntry) => seen.push(entry.leaf);
    const vault = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk), onEntry }));
    expect(vault.created).to.equal(true);
    expect(seen).to.deep.equal([stored?.leaf]);
    expect(await readdir(directory)).to.deep.equal(["checkpoints.log", "head", "keys", "log"]);
    await vault.seal(drafts(1));
    await vault.close();
    const again = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }));
    expect([again.head().size, again.created]).to.deep.equal([2, false]);
    await again.close();
  });

  it("is refused when entry 0 was stored but its keys are not those that lie there", async () => {
    const { directory, disk } = await cut("stored");
    await rm(join(directory, "keys.new"), { recursive: true });
    await makeKeys(join(directory, "keys.new"), randomBytes);
    const options = vaultOptions(directory, { journal: new MemoryJournal(disk) });
    expect((await refusedStart(() => openVault(options))).code).to.equal("start.foreign_log");
    expect(await readdir(directory)).to.deep.equal(["keys.new"]);
  });

  it("closes the journal behind it, so that the next start is not locked out", async () => {
    const directory = await scratchDirectory();
    await makeKeys(join(directory, "keys"), randomBytes);
    expect(await refusedCode(directory)).to.equal("start.rollback");
    await rm(join(directory, "keys"), { recursive: true });
    await (await openStored(directory)).close();
  });

  async function cut(flavour: "lost" | "stored") {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const journal = new FaultyJournal(new MemoryJournal(disk));
    journal.fail("append", flavour);
    const error = await failure(() => openVault(vaultOptions(directory, { journal })));
    expect(error).to.be.instanceOf(VaultPoisoned);
    expect(await readdir(directory)).to.deep.equal(["keys.new"]);
    return { directory, disk };
  }
});
