import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { prepare } from "../../src/vault/chain.js";
import { parseCheckpoint } from "../../src/vault/checkpoint.js";
import {
  CheckpointRefused,
  CheckpointSigner,
  openSigned,
  type SignedNote,
} from "../../src/vault/checkpoint-signer.js";
import { bytesOf, toHex } from "../../src/vault/encoding.js";
import { node_files } from "../../src/vault/files.js";
import { KeptCheckpoints, readKept } from "../../src/vault/kept-checkpoints.js";
import { type Keys, readKeys } from "../../src/vault/keys.js";
import { checkConsistency, checkInclusion, growTree, leafHash, rootAt } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { parseNote } from "../../src/vault/note.js";
import { openVault } from "../../src/vault/start.js";
import { type Vault, VaultPoisoned } from "../../src/vault/vault.js";
import { emptyDisk, MemoryJournal } from "../journal/memory.js";
import { collect, failure } from "../journal/suite.js";
import { FaultyFiles, type Flavour } from "./faulty-files.js";
import {
  draft,
  drafts,
  openStored,
  origin,
  published,
  removeScratch,
  scratchDirectory,
  vaultOptions,
} from "./fixture.js";

const { sha256 } = node_crypto;
const long_ms = 20_000;

async function keysOf(directory: string): Promise<Keys> {
  return (await readKeys(join(directory, "keys"))) ?? expect.fail("there are keys");
}

/** The checkpoint that the log in a directory shows. */
async function shown(directory: string): Promise<SignedNote> {
  const note = await readFile(join(directory, "log", "checkpoint"), "utf8");
  const signed = openSigned(note, await keysOf(directory));
  return typeof signed === "string" ? expect.fail(signed) : signed;
}

async function rootOf(vault: Vault, size: number): Promise<string> {
  const hashes = (await collect(vault.read(0, size))).map(({ leaf }) => leafHash(bytesOf(leaf), sha256));
  return toHex(rootAt(growTree(Buffer.concat(hashes), sha256), size, sha256));
}

describe("a log's publication", () => {
  afterEach(removeScratch);

  it("begins with a checkpoint over entry 0, Ed25519 first and P-256 second", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    const { size, root, note } = await shown(directory);
    expect([size, toHex(root)]).to.deep.equal([1, await rootOf(vault, 1)]);
    const lines = parseNote(note)?.lines ?? [];
    const types = lines.map(({ id }) =>
      JSON.parse(vault.trust()).checkpoint_keys.findIndex((key: string) => key.includes(id)),
    );
    expect(types).to.deep.equal([0, 1]);
    await vault.close();
  });

  it("shows every entry soon after it was sealed, and nothing before it was begun", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    await vault.seal(drafts(300));
    expect((await shown(directory)).size).to.equal(1);
    expect(await published(vault)).to.equal(301);
    const { size, root } = await shown(directory);
    expect([size, toHex(root)]).to.deep.equal([301, await rootOf(vault, 301)]);
    await vault.seal(drafts(3));
    expect((await vault.publication.covering(303, long_ms))?.size).to.equal(304);
    await vault.close();
  });

  it("proves its entries, and each checkpoint by the one before, from the tiles", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal(drafts(270));
    const first = await published(vault);
    await vault.seal(drafts(30));
    const second = await published(vault);
    const prover = vault.publication.prover(second);
    const root = await prover.root();
    for (const index of [0, 255, 256, second - 1]) {
      const leaf_hash = leafHash(bytesOf((await vault.entry(index))?.leaf as string), sha256);
      expect(
        checkInclusion({ index, size: second, leaf_hash, root }, await prover.inclusion(index), sha256),
      ).to.equal(true);
    }
    const claim = { size1: first, size2: second, root1: await prover.root(first), root2: root };
    expect(checkConsistency(claim, await prover.consistency(first), sha256)).to.equal(true);
    await vault.close();
  });

  it("takes no checkpoint between the entries of one command", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    vault.publish();
    await vault.commit([
      vault.stage([prepare(draft("whole"))], true),
      vault.stage([prepare(draft("cut"))], false),
    ]);
    expect((await vault.publication.covering(1, long_ms))?.size).to.equal(2);
    await vault.commit([vault.stage([prepare(draft("cut"))], false)]);
    await vault.commit([vault.stage([prepare(draft("end"))], true)]);
    expect((await vault.publication.covering(2, long_ms))?.size).to.equal(5);
    await vault.commit([vault.stage([prepare(draft("cut"))], false)]);
    await vault.close();
    expect((await shown(directory)).size).to.equal(5);
  });

  it("shows what is left when the vault is closed, and stays as it is when it is opened again", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    vault.publish();
    await vault.seal(drafts(2));
    await vault.close();
    const before = await shown(directory);
    expect(before.size).to.equal(3);
    const again = await openStored(directory);
    expect(again.publication.published?.note).to.equal(before.note);
    await again.close();
    expect((await shown(directory)).note).to.equal(before.note);
  });

  it("shows the checkpoint anew at the next start when its signatures are not those that were made", async () => {
    const directory = await scratchDirectory();
    await (await openStored(directory)).close();
    const before = await shown(directory);
    const garbled = before.note.replace(/.(?=....\n$)/, (digit) => (digit === "A" ? "B" : "A"));
    await writeFile(join(directory, "log/checkpoint"), garbled);
    const again = await openStored(directory);
    expect(again.publication.published?.note).to.equal(before.note);
    await again.close();
    expect((await shown(directory)).note).to.equal(before.note);
  });

  it("shows files of its published size alone", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    await vault.seal(drafts(260));
    await published(vault);
    const file = async (path: string) => (await vault.publication.file(path))?.length ?? null;
    expect(await file("checkpoint")).to.be.above(0);
    expect(await file("tile/0/000")).to.equal(256 * 32);
    expect(await file("tile/0/001.p/5")).to.equal(5 * 32);
    expect(await file("tile/0/000.p/7"), "a partial tile of a full one").to.equal(7 * 32);
    expect(await file("tile/entries/000.p/2")).to.equal(
      2 * 2 + (await vault.entry(0))!.leaf.length + (await vault.entry(1))!.leaf.length,
    );
    for (const path of [
      "tile/0/001.p/6",
      "tile/0/001",
      "tile/1/000.p/2",
      "tile/9/000.p/1",
      "../keys/pepper",
      "tile/0/../0/000",
      "",
    ]) {
      expect(await file(path), path).to.equal(null);
    }
    await vault.close();
  });

  it("writes missing tiles anew at the next start", async () => {
    const directory = await scratchDirectory();
    const vault = await openStored(directory);
    vault.publish();
    await vault.seal(drafts(260));
    await vault.close();
    const path = join(directory, "log", "tile", "0", "000");
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, 100));
    await (await openStored(directory)).close();
    expect((await readFile(path)).equals(bytes)).to.equal(true);
  });

  it("tells those who wait when it has failed, and when the time is over", async () => {
    const { files, ...faulty } = await faultyLog();
    expect(await faulty.vault.publication.covering(5, 1)).to.equal(null);
    faulty.fail(1, "lost");
    const waiting = failure(() => faulty.vault.publication.covering(1, long_ms));
    await faulty.vault.seal(drafts(1));
    expect((await waiting).message).to.match(/planned fault/);
    await faulty.vault.close();
    expect(files.calls.length).to.be.above(0);
  });
});

async function faultyLog() {
  const directory = await scratchDirectory();
  const files = new FaultyFiles();
  const poisoned: Error[] = [];
  const vault = await openStored(directory, {
    files: files.files,
    onPoisoned: (error) => poisoned.push(error),
  });
  vault.publish();
  return {
    directory,
    files,
    poisoned,
    vault,
    fail: (n: number, flavour: Flavour) => files.failAt(n, flavour),
  };
}

describe("a step of a publication that fails", () => {
  afterEach(removeScratch);

  /** Names of the changing calls of one checkpoint over one more entry. */
  async function steps(): Promise<readonly string[]> {
    const { vault, files, directory } = await faultyLog();
    const before = files.calls.length;
    await vault.seal(drafts(1));
    await vault.publication.covering(1, long_ms);
    const calls = files.calls.slice(before).map((call) => call.replace(directory, ""));
    await vault.close();
    return calls;
  }

  it("comes in the order that never changes", async () => {
    const calls = await steps();
    const last = (pattern: RegExp) => calls.findLastIndex((call) => pattern.test(call));
    const first = (pattern: RegExp) => calls.findIndex((call) => pattern.test(call));
    expect(last(/\/tile\//)).to.be.below(first(/checkpoints\.log/));
    expect(calls.slice(first(/checkpoints\.log/))).to.deep.equal([
      "open /checkpoints.log",
      "appendFile /checkpoints.log",
      "sync /checkpoints.log",
      "open /log/checkpoint.new",
      "writeFile /log/checkpoint.new",
      "sync /log/checkpoint.new",
      "rename /log/checkpoint",
      "sync /log",
    ]);
  });

  for (const flavour of ["lost", "done"] as const) {
    it(`(${flavour}) poisons the vault, whichever it is, and the next start goes on`, async () => {
      const count = (await steps()).length;
      expect(count).to.be.above(12);
      await Promise.all(Array.from({ length: count }, (_, i) => survives(i + 1, flavour)));
    }).timeout(60_000);
  }

  async function survives(n: number, flavour: Flavour): Promise<void> {
    const { vault, poisoned, directory, fail } = await faultyLog();
    fail(n, flavour);
    await vault.seal(drafts(1));
    await failure(() => vault.publication.covering(1, long_ms));
    expect(poisoned, `step ${n}`).to.have.length(1);
    expect(await failure(() => vault.seal(drafts(1)))).to.be.instanceOf(VaultPoisoned);
    await vault.close();
    const again = await openStored(directory);
    expect(again.head().size).to.equal(2);
    expect(await published(again), `step ${n}`).to.equal(2);
    await again.close();
    expect((await shown(directory)).size).to.equal(2);
  }
});

describe("the signer of checkpoints", () => {
  afterEach(removeScratch);

  it("refuses a step back, another tree of the same size, and one that does not go on", async () => {
    const directory = await scratchDirectory();
    await (await openStored(directory)).close();
    const leaves = Buffer.concat(["a", "b", "c", "d"].map((text) => leafHash(bytesOf(text), sha256)));
    const tree = growTree(leaves, sha256);
    const root = (size: number) => rootAt(tree, size, sha256);
    const keys = await keysOf(directory);
    const signer = new CheckpointSigner(origin, keys, { origin, size: 2, root: root(2) });
    expect(() => signer.sign(1, root(1), [])).to.throw(
      CheckpointRefused,
      /at 1 was asked for; the last one signed is at 2/,
    );
    expect(() => signer.sign(2, root(3), [])).to.throw(CheckpointRefused, /does not continue/);
    expect(() => signer.sign(4, root(4), [])).to.throw(CheckpointRefused, /does not continue/);
    const proof = [rootAt(growTree(leaves.subarray(64), sha256), 2, sha256)];
    const { note } = signer.sign(4, root(4), proof);
    expect(parseCheckpoint(note.slice(0, note.indexOf("\n\n") + 1))?.size).to.equal(4);
    expect(() => signer.sign(3, root(3), [])).to.throw(CheckpointRefused);
  });
});

describe("checkpoints.log", () => {
  afterEach(removeScratch);

  async function kept(count: number, file_bytes: number) {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    await (await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }))).close();
    const keys = await keysOf(directory);
    const elsewhere = join(directory, "elsewhere");
    const signer = new CheckpointSigner(origin, keys, null);
    const leaf = leafHash(bytesOf("a"), sha256);
    let log: KeptCheckpoints | null = null;
    const notes: string[] = [];
    for (let size = 1; size <= count; size++) {
      const leaves = Buffer.concat(Array.from({ length: size }, () => leaf));
      const tree = growTree(leaves, sha256);
      // Nobody here asks whether one goes on from the other: each is signed as if it were the first.
      const signed = new CheckpointSigner(origin, keys, null).sign(size, rootAt(tree, size, sha256), []);
      notes.push(signed.note);
      if (log === null) {
        log = await KeptCheckpoints.begin(elsewhere, signed, node_files, file_bytes);
      } else {
        await log.append(signed);
      }
    }
    await log?.close();
    return { directory: elsewhere, keys, notes, signer, log: log as KeptCheckpoints };
  }

  it("is cut into numbered files, each of which begins with a copy of the record before", async () => {
    const { directory, keys, notes, log } = await kept(7, 1000);
    const names = (await readdir(directory)).length;
    expect(names).to.be.above(2);
    const texts = await Promise.all(
      Array.from({ length: names }, (_, n) =>
        readFile(join(directory, n === 0 ? "checkpoints.log" : `checkpoints.${n}.log`), "latin1"),
      ),
    );
    for (const [n, text] of texts.slice(1).entries()) {
      const first = text.slice(0, text.indexOf("\n") + 1 + Number.parseInt(text, 10));
      expect(texts[n]?.endsWith(first), `file ${n + 1}`).to.equal(true);
    }
    for (const all of [false, true]) {
      expect((await readKept(directory, keys, node_files, all))?.last.note).to.equal(notes.at(-1));
    }
    for (const [i, note] of notes.entries()) {
      expect(await log.at(i + 1)).to.equal(note);
    }
    expect(await log.at(99)).to.equal(null);
  });

  it("is asked for a checkpoint without reading the files that cannot hold it", async () => {
    const { directory, keys, notes } = await kept(7, 1000);
    const read: string[] = [];
    const files = {
      ...node_files,
      readFile: ((path: string) => {
        read.push(path);
        return node_files.readFile(path);
      }) as typeof node_files.readFile,
    };
    const found = (await readKept(directory, keys, node_files)) ?? expect.fail("there are records");
    const log = await KeptCheckpoints.resume(found, files);
    expect(await log.at(1)).to.equal(notes[0]);
    expect(read).to.deep.equal([join(directory, "checkpoints.log")]);
  });

  it("loses a last record that is incomplete, wherever it was cut, and nothing else", async () => {
    const { directory, keys, notes } = await kept(2, 1_000_000);
    const path = join(directory, "checkpoints.log");
    const bytes = await readFile(path);
    const first = Buffer.byteLength(notes[0] as string) + 4;
    for (let cut = first; cut < bytes.length; cut++) {
      await writeFile(path, bytes.subarray(0, cut));
      const read = (await readKept(directory, keys, node_files)) ?? expect.fail("records");
      expect([read.last.size, read.bytes, read.torn_bytes]).to.deep.equal([1, first, cut - first]);
    }
    const read = (await readKept(directory, keys, node_files)) ?? expect.fail("records");
    await KeptCheckpoints.resume(read, node_files);
    expect(await readFile(path)).to.have.length(first);
  });

  it("is refused with any byte changed", async () => {
    const { directory, keys } = await kept(2, 1_000_000);
    const path = join(directory, "checkpoints.log");
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 7));
      await writeFile(path, flipped);
      const error = await failure(() => readKept(directory, keys, node_files));
      expect((error as { code?: string }).code, `byte ${at}: ${error.stack}`).to.match(
        /^start\.(checkpoints_damaged|keys)$/,
      );
    }
  });
});
