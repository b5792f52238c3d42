import { cp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Level } from "level";
import { decodeBatch, encodeBatch } from "../../src/vault/batch.js";
import { chain } from "../../src/vault/chain.js";
import { checkVault } from "../../src/vault/check.js";
import { envelopeOf, leafOf } from "../../src/vault/entry.js";
import { node_files } from "../../src/vault/files.js";
import { decodeHeadMark, encodeHeadMark } from "../../src/vault/head-mark.js";
import { readKeys } from "../../src/vault/keys.js";
import { openLevel } from "../../src/vault/level.js";
import { signText } from "../../src/vault/signature.js";
import { keyId, spkiOf } from "../../src/vault/signer.js";
import type { StartError } from "../../src/vault/start-error.js";
import {
  draft,
  drafts,
  openStored,
  origin,
  refusedStart,
  removeScratch,
  scratchDirectory,
} from "./fixture.js";

/** A closed log of several writes, all of it published; then more writes that no checkpoint covers. */
async function closedLog({ beyond = 0 } = {}): Promise<string> {
  const directory = await scratchDirectory();
  const vault = await openStored(directory);
  vault.publish();
  for (let i = 0; i < 4; i++) {
    await vault.seal(drafts(3));
  }
  await vault.close();
  if (beyond > 0) {
    const again = await openStored(directory);
    for (let i = 0; i < beyond; i++) {
      await again.seal(drafts(1));
    }
    await again.close();
  }
  return directory;
}

async function refused(directory: string): Promise<StartError> {
  return refusedStart(() => openStored(directory));
}

async function tamper(directory: string, act: (entries: Entries) => Promise<unknown>): Promise<void> {
  const level = new Level(join(directory, "store"));
  await level.open();
  await act(entriesOf(level));
  await level.close();
}

type Entries = ReturnType<typeof entriesOf>;

function entriesOf(level: Level) {
  return level.sublevel<Buffer, Buffer>("entries", { keyEncoding: "buffer", valueEncoding: "buffer" });
}

function keyOf(index: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(index, 4);
  return key;
}

async function writeAheadFile(directory: string): Promise<string> {
  const files = (await readdir(join(directory, "store"))).filter((file) => file.endsWith(".log"));
  return join(directory, "store", files.at(-1) as string);
}

/** Puts entries in the place of those from `from` on, signed with the log's own key. */
async function rewrite(directory: string, from: number, notes: readonly string[]): Promise<void> {
  const keys = (await readKeys(join(directory, "keys"))) ?? expect.fail("there are keys");
  const vault = await openStored(directory);
  const before = (await vault.entry(from - 1)) ?? expect.fail("an entry before");
  await vault.close();
  const prepared = notes.map((note) => ({
    at: before.signed_at,
    content: JSON.stringify({ ...draft(note).content }),
    details: null,
  }));
  const head = { size: from, entry_hash: before.entry_hash, signed_at: before.signed_at };
  const { entries } = chain(head, before.signed_at, prepared);
  const key_id = keyId(spkiOf(keys.entry));
  const batch = entries.map(({ link, entry_hash, prepared: { content } }) => ({
    sequence_number: link.sequence_number,
    leaf: leafOf(envelopeOf(origin, link, entry_hash, key_id, signText(keys.entry, entry_hash))),
    content,
    details: null,
  }));
  await tamper(directory, async (stored) => {
    for await (const [key] of stored.iterator({ gte: keyOf(from) })) {
      await stored.del(key);
    }
    await stored.put(keyOf(from), encodeBatch(batch));
  });
}

describe("a start beside checkpoints", () => {
  afterEach(removeScratch);

  it("adopts what was sealed after the newest checkpoint, and shows it then", async () => {
    const directory = await closedLog({ beyond: 2 });
    const vault = await openStored(directory);
    expect([vault.head().size, vault.publication.published?.size]).to.deep.equal([15, 13]);
    vault.publish();
    expect((await vault.publication.covering(14, 10_000))?.size).to.equal(15);
    await vault.close();
  });

  it("adopts an entry that no mark tells of, as a power cut leaves it", async () => {
    const directory = await closedLog({ beyond: 2 });
    const mark = await readFile(join(directory, "head"));
    const vault = await openStored(directory);
    await vault.seal(drafts(1));
    await vault.close();
    await writeFile(join(directory, "head"), mark);
    const again = await openStored(directory);
    expect(again.head().size).to.equal(16);
    await again.close();
  });

  describe("is refused with start.rollback", () => {
    it("when the newest writes were cut off", async () => {
      const directory = await closedLog();
      await tamper(directory, (entries) => entries.del(keyOf(10)));
      const error = await refused(directory);
      expect(error.code).to.equal("start.rollback");
      expect(error.message).to.match(/over 13 entries was signed; the store holds 10/);
    });

    it("when the end of LevelDB's write-ahead file was cut off", async () => {
      const directory = await closedLog();
      const path = await writeAheadFile(directory);
      await truncate(path, (await readFile(path)).length - 10);
      expect((await refused(directory)).code).to.equal("start.rollback");
    });

    it("when LevelDB's write-ahead file was deleted", async () => {
      const directory = await closedLog();
      await rm(await writeAheadFile(directory));
      expect((await refused(directory)).code).to.equal("start.rollback");
    });

    it("when yesterday's LevelDB is put back", async () => {
      const directory = await closedLog();
      const yesterday = join(await scratchDirectory(), "store");
      await cp(join(directory, "store"), yesterday, { recursive: true });
      const vault = await openStored(directory);
      vault.publish();
      await vault.seal(drafts(5));
      await vault.close();
      await rm(join(directory, "store"), { recursive: true });
      await cp(yesterday, join(directory, "store"), { recursive: true });
      expect((await refused(directory)).code).to.equal("start.rollback");
    });

    for (const [name, gone] of [
      ["keys and store are gone, and checkpoints.log is not", ["keys", "store"]],
      ["nothing but the head mark is left", ["keys", "store", "checkpoints.log", "log"]],
      ["nothing but the static log is left", ["keys", "store", "checkpoints.log", "head"]],
      ["the store is gone", ["store"]],
    ] as const) {
      it(`when ${name}: never a new log`, async () => {
        const directory = await closedLog();
        await Promise.all(gone.map((one) => rm(join(directory, one), { recursive: true })));
        expect((await refused(directory)).code).to.equal("start.rollback");
        expect((await refused(directory)).code).to.equal("start.rollback");
        expect(await readdir(directory)).not.to.include("keys.new");
      });
    }
  });

  describe("is refused with start.fork", () => {
    it("when entries below a checkpoint were written anew, with the real key", async () => {
      const directory = await closedLog();
      await rm(join(directory, "head"));
      await rewrite(directory, 7, ["a", "b", "c", "d", "e", "f"]);
      const error = await refused(directory);
      expect(error.code).to.equal("start.fork");
      expect(error.message).to.match(/over 13 entries has the root [A-Za-z0-9+/]+=; .* have [A-Za-z0-9+/]+=/);
    });
  });

  it("is refused with start.damaged when a signature below the checkpoint was changed", async () => {
    const directory = await closedLog();
    await tamper(directory, async (entries) => {
      const batch = decodeBatch(4, (await entries.get(keyOf(4))) as Buffer);
      const [leaf, other] = [batch[0]?.leaf as string, JSON.parse(batch[1]?.leaf as string)];
      const value = JSON.parse(leaf).signature.value;
      const forged = { ...batch[0], leaf: leaf.replace(value, other.signature.value) };
      await entries.put(keyOf(4), encodeBatch([forged as never, ...batch.slice(1)]));
    });
    const error = await refused(directory);
    expect(error.code).to.equal("start.damaged");
    expect(error.message).to.match(/Entry 4 is not what was sealed: its signature/);
  });

  describe("is refused with start.tail_lost", () => {
    it("when an entry after the newest checkpoint is gone", async () => {
      const directory = await closedLog({ beyond: 2 });
      await tamper(directory, (entries) => entries.del(keyOf(14)));
      const error = await refused(directory);
      expect(error.code).to.equal("start.tail_lost");
      expect(error.message).to.match(/the log had 15 entries; the store holds 14/);
    });

    it("when the entries after the newest checkpoint were written anew", async () => {
      const directory = await closedLog({ beyond: 2 });
      const mark = await readFile(join(directory, "head"));
      await rewrite(directory, 13, ["a", "b", "c"]);
      await writeFile(join(directory, "head"), mark);
      const error = await refused(directory);
      expect(error.code).to.equal("start.tail_lost");
      expect(error.message).to.match(/entry 14 has the hash [0-9a-f]{64}; in the store it has [0-9a-f]{64}/);
    });
  });

  describe("beside a log/checkpoint that is newer than checkpoints.log", () => {
    /** Three entries more than an older copy of the store, of checkpoints.log and of the head mark knows. */
    async function grown(put_back: readonly string[]): Promise<string> {
      const directory = await closedLog();
      const yesterday = await scratchDirectory();
      await cp(directory, yesterday, { recursive: true });
      const vault = await openStored(directory);
      vault.publish();
      await vault.seal(drafts(3));
      await vault.close();
      for (const name of put_back) {
        await rm(join(directory, name), { recursive: true });
        await cp(join(yesterday, name), join(directory, name), { recursive: true });
      }
      return directory;
    }

    it("keeps that one again, says so, and goes on when the store is whole", async () => {
      const directory = await grown(["checkpoints.log"]);
      const check = () => checkVault({ directory, journal: openLevel(join(directory, "store")).journal });
      const found = await check().catch((error: unknown) => error);
      expect(found).to.have.property("code", "start.checkpoints_damaged");
      const warnings: string[] = [];
      const vault = await openStored(directory, { onWarning: (message) => warnings.push(message) });
      expect(warnings.join()).to.match(/over 13 entries, and one over 16 was signed/);
      expect(vault.publication.signed.size).to.equal(16);
      await vault.close();
      expect(await check()).to.include({ newest_checkpoint: 16, shown_checkpoint: 16 });
    });

    it("is refused with start.rollback when the store is an older copy too", async () => {
      const directory = await grown(["checkpoints.log", "store", "head"]);
      const before = await readFile(join(directory, "checkpoints.log"));
      const error = await refused(directory);
      expect(error.code).to.equal("start.rollback");
      expect(error.message).to.match(/over 16 entries was signed; the store holds 13/);
      expect(await readFile(join(directory, "checkpoints.log"))).to.deep.equal(before);
    });

    it("adopts no store that is shorter", async () => {
      const directory = await grown(["store", "head"]);
      await rm(join(directory, "checkpoints.log"));
      const error = await refusedStart(() => openStored(directory, { adopt: true }));
      expect(error.code).to.equal("start.rollback");
      expect(await readdir(directory)).not.to.include("checkpoints.log");
    });
  });

  it("has nothing below a snapshot in LevelDB's write-ahead file, where a damaged record takes others along unseen", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    for (let i = 0; i < 40; i++) {
      await vault.seal(drafts(1));
    }
    await vault.keepSnapshot("state");
    const { size } = vault.head();
    await vault.seal(drafts(2));
    vault.publish();
    await vault.close();
    const bytes = await readFile(await writeAheadFile(directory), "latin1");
    const indexes = Array.from(bytes.matchAll(/"sequence_number":([0-9]+)/g), ([, index]) => Number(index));
    expect(indexes).to.deep.equal([size - 1, size, size + 1]);
    const again = await openStored(directory);
    expect(again.snapshots.used?.size).to.equal(size - 1);
    await again.close();
  });

  it("warns of a head mark that is gone", async () => {
    const directory = await closedLog();
    await rm(join(directory, "head"));
    const warnings: string[] = [];
    await (await openStored(directory, { onWarning: (message) => warnings.push(message) })).close();
    expect(warnings.join()).to.match(/head is gone/);
  });

  it("warns of an unreadable head mark, and writes it anew", async () => {
    const directory = await closedLog({ beyond: 1 });
    await writeFile(join(directory, "head"), "torn");
    const warnings: string[] = [];
    const vault = await openStored(directory, { onWarning: (message) => warnings.push(message) });
    expect(warnings).to.have.length(1);
    expect(decodeHeadMark(await readFile(join(directory, "head")))?.size).to.equal(vault.head().size);
    await vault.close();
  });

  it("is refused with start.no_checkpoint when checkpoints.log is gone, and an adoption is asked for by name", async () => {
    const directory = await closedLog({ beyond: 1 });
    await rm(join(directory, "checkpoints.log"));
    const error = await refused(directory);
    expect(error.code).to.equal("start.no_checkpoint");
    expect(error.message).to.match(/killcord vault adopt/);
    const vault = await openStored(directory, { adopt: true });
    expect(vault.publication.published?.size).to.equal(14);
    await vault.close();
    await (await openStored(directory)).close();
  });

  it("keeps checkpoints.log and the head mark where it is told to", async () => {
    const [directory, checkpoints] = [await scratchDirectory(), join(await scratchDirectory(), "deep", "er")];
    const vault = await openStored(directory, { checkpoints });
    await vault.close();
    expect(await readdir(checkpoints)).to.have.members(["checkpoints.log", "head"]);
    expect(await readdir(directory)).to.have.members(["keys", "store", "log"]);
    expect((await refused(directory)).code).to.equal("start.no_checkpoint");
    // Yesterday's whole data directory: the other volume knows better.
    const yesterday = join(await scratchDirectory(), "data");
    await cp(directory, yesterday, { recursive: true });
    const later = await openStored(directory, { checkpoints });
    later.publish();
    await later.seal(drafts(1));
    await later.close();
    expect((await refusedStart(() => openStored(yesterday, { checkpoints }))).code).to.equal(
      "start.rollback",
    );
  });

  it("is refused with start.foreign_log when the store is that of another log", async () => {
    const [directory, other] = [await closedLog(), await closedLog()];
    await rm(join(directory, "store"), { recursive: true });
    await cp(join(other, "store"), join(directory, "store"), { recursive: true });
    expect((await refused(directory)).code).to.equal("start.foreign_log");
  });

  it("is refused with start.locked by a second process, which changes nothing, not even a torn record", async () => {
    const directory = await closedLog();
    const vault = await openStored(directory);
    const path = join(directory, "checkpoints.log");
    const torn = Buffer.concat([await readFile(path), Buffer.from("4")]);
    await writeFile(path, torn);
    expect((await refused(directory)).code).to.equal("start.locked");
    expect((await readFile(path)).equals(torn)).to.equal(true);
    await vault.close();
    await (await openStored(directory)).close();
    expect(await readFile(path)).to.have.length(torn.length - 1);
  });

  it("goes on with a first start that ended after its checkpoint, and before its keys had their place", async () => {
    const directory = await scratchDirectory();
    const first = await openStored(directory);
    const { note } = first.publication.published ?? expect.fail("a checkpoint");
    await first.close();
    await rename(join(directory, "keys"), join(directory, "keys.new"));
    const vault = await openStored(directory);
    expect([vault.created, vault.publication.published?.note]).to.deep.equal([true, note]);
    expect(await readdir(directory))
      .to.include("keys")
      .and.not.to.include("keys.new");
    await vault.close();
  });

  it("is refused with start.directory where the disk is all but full", async () => {
    const directory = await closedLog();
    const statfs = async (path: string) => ({ ...(await node_files.statfs(path)), bavail: 10, bsize: 4096 });
    const files = { ...node_files, statfs: statfs as never };
    const error = await refusedStart(() => openStored(directory, { files }));
    expect(error.code).to.equal("start.directory");
    expect(error.message).to.match(/has 40960 bytes left/);
    await (await openStored(directory)).close();
  });

  it("is refused with start.checkpoints_damaged when a numbered file is missing", async () => {
    const directory = await closedLog();
    await cp(join(directory, "checkpoints.log"), join(directory, "checkpoints.2.log"));
    const error = await refused(directory);
    expect(error.code).to.equal("start.checkpoints_damaged");
    expect(error.message).to.match(/checkpoints\.1\.log .*missing/);
  });
});

describe("the head mark", () => {
  it("is 48 bytes, of which none may be another", () => {
    const mark = { size: 70_000, entry_hash: "ab".repeat(32) };
    const bytes = encodeHeadMark(mark);
    expect(bytes).to.have.length(48);
    expect(decodeHeadMark(bytes)).to.deep.equal(mark);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      expect(decodeHeadMark(flipped), `byte ${at}`).to.equal(null);
    }
    expect(decodeHeadMark(bytes.subarray(1))).to.equal(null);
  });
});
