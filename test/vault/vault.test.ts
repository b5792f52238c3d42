import { createPublicKey, verify } from "node:crypto";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { CanonicalError, canonical } from "../../src/vault/canonical.js";
import { certificateText } from "../../src/vault/certificate.js";
import { parseLeaf } from "../../src/vault/entry.js";
import { bundle, NoEvidence } from "../../src/vault/evidence.js";
import type { Batch, Head } from "../../src/vault/journal.js";
import { openVault } from "../../src/vault/start.js";
import { type Vault, VaultPoisoned } from "../../src/vault/vault.js";
import { FaultyJournal } from "../journal/faulty.js";
import { emptyDisk, MemoryJournal } from "../journal/memory.js";
import { collect, failure } from "../journal/suite.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import {
  draft,
  drafts,
  noon,
  noon_text,
  openStored,
  origin,
  published,
  removeScratch,
  scratchDirectory,
  vaultOptions,
} from "./fixture.js";

/** A journal in memory that remembers how many entries each write had. */
class CountingJournal extends MemoryJournal {
  readonly counts: number[] = [];

  override append(expected: Head, batch: Batch): Promise<void> {
    this.counts.push(batch.length);
    return super.append(expected, batch);
  }
}

describe("a vault", () => {
  afterEach(removeScratch);

  it("begins with the entry that names it and its keys", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory(), { workspace_id: "ws_1" }));
    const entry = await vault.entry(0);
    const content = JSON.parse(entry?.content as string);
    expect(content).to.include({ event: "vault_opened", at: noon_text, format: "killcord-vault/1" });
    expect(content).to.include({ origin, workspace_id: "ws_1", heartbeat_seconds: 60 });
    expect(content.actor).to.deep.equal({ key_id: null, role: "system" });
    expect(vault.head()).to.deep.equal({ size: 1, entry_hash: entry?.entry_hash, signed_at: noon_text });
    expect(vault.created).to.equal(true);
    expect([vault.origin, vault.workspace_id]).to.deep.equal([origin, "ws_1"]);
    await vault.close();
  });

  it("makes up a name of its own when it gets none", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory(), { origin: undefined }));
    expect(vault.workspace_id).to.match(/^ws_[0-9a-f]{12}$/);
    expect(vault.origin).to.equal(`killcord.local/${vault.workspace_id}`);
    await vault.close();
  });

  it("refuses a name that can't name a log, and makes nothing", async () => {
    const journal = new MemoryJournal();
    const options = vaultOptions(await scratchDirectory(), { origin: "two words", journal });
    expect(await failure(() => openVault(options))).to.be.instanceOf(RangeError);
    expect(journal.disk.entries).to.have.length(0);
  });

  it("seals drafts in their order, and gives back what it stored", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory()));
    const details = `{"_salt":"${"1".repeat(32)}"}`;
    const first = await vault.seal([draft("a"), draft("b", details)]);
    const [third] = await vault.seal([draft("c")]);
    expect(first.map((entry) => entry.sequence_number)).to.deep.equal([1, 2]);
    expect(first[1]?.details).to.equal(details);
    expect(first[1]?.content).to.equal(canonical(draft("b", details).content));
    expect(await collect(vault.read(1, 10))).to.deep.equal([...first, third]);
    expect(await vault.entry(2)).to.deep.equal(first[1]);
    expect(await vault.entry(4)).to.equal(null);
    expect(vault.head()).to.include({ size: 4, entry_hash: third?.entry_hash });
    expect(await vault.seal([])).to.deep.equal([]);
    await vault.close();
  });

  it("signs so that whoever has trust.json can check it with nothing but a library", async () => {
    const vault = await openStored(await scratchDirectory());
    await vault.seal(drafts(20));
    await published(vault);
    const trust = JSON.parse(vault.trust());
    const shown = JSON.parse((await collect(bundle(vault, 21))).join(""));
    const publicKey = (base64: string) =>
      createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
    const check = (text: string, key: ReturnType<typeof publicKey>, signature: string) =>
      verify("sha256", Buffer.from(text), key, Buffer.from(signature, "base64"));
    const { entry_key, checkpoint_keys } = shown.entries[0].content;
    const root = publicKey(trust.entry_roots[0]);
    expect(check(certificateText(trust.origin, entry_key), root, entry_key.certificate)).to.equal(true);
    expect(shown.signing_keys[0].public_key_pem).to.equal(
      publicKey(entry_key.public_key).export({ type: "spki", format: "pem" }),
    );
    for (const { entry_hash, signature } of shown.entries) {
      expect(
        check(entry_hash, createPublicKey(shown.signing_keys[0].public_key_pem), signature.value),
      ).to.equal(true);
    }
    expect(trust).to.deep.equal({
      format: "killcord-trust/v1",
      origin,
      workspace_id: vault.workspace_id,
      entry_roots: trust.entry_roots,
      checkpoint_keys,
      witnesses: [],
      witness_quorum: 0,
      known_checkpoints: [],
    });
    await vault.close();
  });

  it("exports the same bytes again, also of a log that has grown since", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory()));
    await vault.seal(drafts(3));
    await published(vault);
    const before = await collect(bundle(vault, 4));
    await vault.seal(drafts(1));
    await published(vault);
    expect(await collect(bundle(vault, 4))).to.deep.equal(before);
    expect(before).to.have.length(6);
    expect(before.at(-2)).not.to.match(/,\n$/);
    for (const size of [0, 2, 6]) {
      expect(await failure(() => collect(bundle(vault, size)))).to.be.instanceOf(NoEvidence);
    }
    await vault.close();
  });

  it("splits 300 drafts into two writes of one chain", async () => {
    const journal = new CountingJournal();
    const vault = await openVault(vaultOptions(await scratchDirectory(), { journal }));
    const sealed = await vault.seal(drafts(300));
    expect(journal.counts).to.deep.equal([1, limits.batch_entries, 300 - limits.batch_entries]);
    expect(sealed.map((entry) => entry.sequence_number)).to.deep.equal(drafts(300).map((_, i) => i + 1));
    for (const [i, entry] of sealed.entries()) {
      const previous = sealed[i - 1] ?? (await vault.entry(0));
      expect(parseLeaf(entry.leaf).previous_hash).to.equal(previous?.entry_hash);
    }
    await vault.close();
  });

  it("splits by bytes what would be too large for one write", async () => {
    const journal = new CountingJournal();
    const vault = await openVault(vaultOptions(await scratchDirectory(), { journal }));
    // The journal refuses what is too large, so that it took them is the proof.
    await vault.seal(Array.from({ length: 100 }, () => draft("x".repeat(48_000))));
    expect(journal.counts).to.have.length(3);
    expect(vault.head().size).to.equal(101);
    await vault.close();
  });

  it("never lets its time go back, nor lets an entry be signed before it happened", async () => {
    let now = noon;
    const options = vaultOptions(await scratchDirectory(), { now: () => now });
    const vault = await openVault(options);
    const signedAt = async (at: string) => (await vault.seal([draft("x", null, at)]))[0]?.signed_at;
    now = noon + 5000;
    expect(await signedAt(noon_text)).to.equal("2026-11-22T12:00:05.000Z");
    now = noon - 86_400_000;
    expect(await signedAt(noon_text)).to.equal("2026-11-22T12:00:05.000Z");
    expect(await signedAt("2026-11-22T12:00:07.000Z")).to.equal("2026-11-22T12:00:07.000Z");
    expect(await signedAt(noon_text)).to.equal("2026-11-22T12:00:07.000Z");
    await vault.close();
    const again = await openVault(options);
    expect((await again.seal([draft("x")]))[0]?.signed_at).to.equal("2026-11-22T12:00:07.000Z");
    await again.close();
  });

  describe("refuses a draft that no start would accept, and seals nothing of its call", () => {
    const d = draft("x");
    const bad: Readonly<Record<string, () => ReturnType<typeof draft>>> = {
      "content that is too large": () => draft("x".repeat(limits.entry_bytes)),
      "content and details that are too large together": () =>
        draft("x".repeat(30_000), `"${"y".repeat(30_000)}"`),
      "content that is not JSON": () => ({ ...d, content: { ...d.content, ratio: 0.5 } }),
      "content without a salt": () => ({ ...d, content: { event: "notice", at: noon_text } }),
      "a time on the 30th of February": () => draft("x", null, "2026-02-30T12:00:00.000Z"),
      "details of another digest": () => ({ ...draft("x", '{"a":1}'), details: '{"a":2}' }),
      "details without a digest": () => ({ ...d, details: "{}" }),
      "a digest without details": () => ({ ...draft("x", '{"a":1}'), details: null }),
      "details that are not ASCII": () => draft("x", '"\u00e9"'),
    };
    for (const [name, make] of Object.entries(bad)) {
      it(name, async () => {
        const vault = await openVault(vaultOptions(await scratchDirectory()));
        const error = await failure(() => vault.seal([draft("good"), make()]));
        expect(error).to.satisfy((e: Error) => e instanceof CanonicalError || e instanceof RangeError);
        expect(vault.head().size).to.equal(1);
        expect(await vault.seal([draft("good")])).to.have.length(1);
        await vault.close();
      });
    }
  });

  it("takes an entry that is exactly as large as allowed", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory()));
    const room = limits.entry_bytes - canonical(draft("").content).length;
    await vault.seal([draft("x".repeat(room))]);
    expect(await failure(() => vault.seal([draft("x".repeat(room + 1))]))).to.be.instanceOf(CanonicalError);
    await vault.close();
  });

  it("seals one call at a time, and a second one harms nothing", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory()));
    const first = vault.seal([draft("first")]);
    expect(await failure(() => vault.seal([draft("second")]))).to.match(/under way/);
    await first;
    await vault.seal([draft("third")]);
    expect(vault.head().size).to.equal(3);
    await vault.close();
  });

  it("says nothing before the sync, and forgets with the power what it had not said", async () => {
    const directory = await scratchDirectory();
    const journal = new UnsyncedJournal();
    const vault = await openVault(vaultOptions(directory, { journal }));
    await vault.seal([draft("acknowledged")]);
    journal.hold();
    let answered = false;
    void vault.seal([draft("waiting")]).then(() => {
      answered = true;
    });
    await journal.held();
    expect(vault.head().size).to.equal(2);
    expect(await collect(vault.read(0, 10))).to.have.length(2);
    expect(await vault.entry(2)).to.equal(null);
    expect(answered).to.equal(false);
    journal.crash();
    const again = await openVault(vaultOptions(directory, { journal: new UnsyncedJournal(journal.disk) }));
    expect(again.head().size).to.equal(2);
    await again.close();
  });

  for (const [flavour, size] of [
    ["lost", 2],
    ["stored", 3],
  ] as const) {
    it(`is poisoned by a write that is ${flavour}, and its next start adopts what is stored`, async () => {
      const { directory, disk, vault, journal } = await faulty();
      journal.fail("append", flavour);
      const error = await failure(() => vault.seal([draft("fails")]));
      expect(error).to.be.instanceOf(VaultPoisoned);
      expect(error.cause).to.match(/EIO/);
      expect(await failure(() => vault.seal([draft("later")]))).to.equal(error);
      expect(disk.entries).to.have.length(size);
      await vault.close();
      await expectSound(directory, disk, size);
    });

    it(`is poisoned when the second write of one call is ${flavour}`, async () => {
      const { directory, disk, vault, journal } = await faulty();
      journal.fail("append", flavour, 1);
      expect(await failure(() => vault.seal(drafts(300)))).to.be.instanceOf(VaultPoisoned);
      expect(await failure(() => vault.seal(drafts(1)))).to.be.instanceOf(VaultPoisoned);
      await vault.close();
      await expectSound(directory, disk, flavour === "lost" ? 2 + limits.batch_entries : 302);
    });
  }

  async function faulty() {
    const directory = await scratchDirectory();
    const disk = emptyDisk();
    const journal = new FaultyJournal(new MemoryJournal(disk));
    const vault = await openVault(vaultOptions(directory, { journal }));
    await vault.seal([draft("good")]);
    return { directory, disk, vault, journal };
  }

  async function expectSound(directory: string, disk: ReturnType<typeof emptyDisk>, size: number) {
    const again: Vault = await openVault(vaultOptions(directory, { journal: new MemoryJournal(disk) }));
    expect(again.head().size).to.equal(size);
    await again.seal([draft("after")]);
    expect(disk.entries.map((entry) => entry.sequence_number)).to.deep.equal(
      Array.from({ length: size + 1 }, (_, i) => i),
    );
    await again.close();
  }

  it("seals nothing after it was closed", async () => {
    const vault = await openVault(vaultOptions(await scratchDirectory()));
    await vault.close();
    expect(await failure(() => vault.seal([draft("late")]))).to.be.instanceOf(VaultPoisoned);
  });
});
