/** Texts of actions that wait for a person: encrypted in the store, and gone from its files afterwards. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { ActionTexts } from "../../src/engine/action-texts.js";
import { engineClock, process_time } from "../../src/engine/clock.js";
import { type LevelStore, openLevel } from "../../src/vault/level.js";
import { openTextKey } from "../../src/vault/text-key.js";

const clock = engineClock(0, process_time);
const origin = "killcord.example/texts";
const secret = "wire all of it to the account of the attacker";

const common = { at: 0, actor: system_actor, session_id: null, session_index: null, decision_id: "enf_1" };

function opened(escalation_id: string): Event {
  return { event: "escalation_opened", ...common, escalation_id, expires_at: 1 };
}

function resolved(escalation_id: string): Event {
  return { event: "escalation_resolved", ...common, escalation_id, resolution: "rejected", reason: null };
}

const said = (text: string) => () => ({ action_content: text, metadata: { amount: 12.5 } });

describe("texts of actions", () => {
  let directory: string;
  let store: LevelStore;
  let key: Uint8Array;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "killcord-texts-"));
    store = openLevel(join(directory, "store"));
    await store.journal.open();
    key = randomBytes(32);
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  const open = (more: Partial<{ key: Uint8Array; origin: string }> = {}) =>
    new ActionTexts({ store: store.texts(), key, origin, ...more }, clock);

  /** Everything in the files of the store. */
  async function bytesOfStore(): Promise<Buffer> {
    const names = await readdir(join(directory, "store"));
    return Buffer.concat(await Promise.all(names.map((name) => readFile(join(directory, "store", name)))));
  }

  /** Fills the log's part of the store, as a server does meanwhile. */
  async function log(first: number, count: number): Promise<void> {
    for (let i = first; i < first + count; i++) {
      const leaf = randomBytes(200).toString("hex");
      await store.journal.append({ size: i }, [{ sequence_number: i, leaf, content: leaf, details: null }]);
    }
  }

  it("are read while they wait, also by the next process, and are nowhere in the clear", async () => {
    const texts = open();
    texts.onDecided([opened("esc_1")], said(secret));
    expect(await texts.read("esc_1"), "at once").to.deep.equal(said(secret)());
    await texts.settle();
    expect(await texts.read("esc_1"), "from the store").to.deep.equal(said(secret)());
    expect(await open().read("esc_1")).to.deep.equal(said(secret)());
    const bytes = await bytesOfStore();
    expect(bytes.includes(secret)).to.equal(false);
    expect(bytes.includes("esc_1"), "the row is in the files").to.equal(true);
  });

  it("do not open under another key, for another escalation or log, or with a bit flipped", async () => {
    const texts = open();
    texts.onDecided([opened("esc_1")], said(secret));
    await texts.settle();
    expect(await open({ key: randomBytes(32) }).read("esc_1")).to.equal(null);
    expect(await open({ origin: "another" }).read("esc_1")).to.equal(null);
    const { rows } = store.texts();
    const row = (await rows.get("esc_1")) as Buffer;
    await rows.put("esc_2", row);
    expect(await open().read("esc_2"), "a row that was moved").to.equal(null);
    for (const at of [1, 13, row.length - 1]) {
      const damaged = Buffer.from(row);
      damaged.writeUInt8((row[at] as number) ^ 1, at);
      await rows.put("esc_1", damaged);
      expect(await open().read("esc_1"), `byte ${at}`).to.equal(null);
    }
    await rows.put("esc_1", Buffer.alloc(3));
    expect(await open().read("esc_1"), "a row that was cut").to.equal(null);
    expect(await open().read("esc_3"), "no row").to.equal(null);
  });

  /** Where the row lies when it is erased: in memory and the write-ahead file, in a table, in a deep table. */
  const places: Readonly<Record<string, () => Promise<void>>> = {
    "a write-ahead file": async () => {},
    "a table": async () => store.journal.settle?.(),
    "a table below others": async () => {
      for (let i = 0; i < 3; i++) {
        await log(10 + i * 10, 10);
        await store.texts().compact();
      }
    },
  };
  for (const [where, bringThere] of Object.entries(places)) {
    it(`leave no byte in the files once they are erased from ${where}`, async () => {
      await log(0, 10);
      const texts = open();
      texts.onDecided([opened("esc_1")], said(secret));
      texts.onDecided([opened("esc_2")], said("this one waits on"));
      await texts.settle();
      await bringThere();
      const row = (await store.texts().rows.get("esc_1")) as Buffer;
      const closed = row.subarray(13, 45);
      expect((await bytesOfStore()).includes(closed), "it is there before").to.equal(true);
      texts.onSealed([resolved("esc_1")]);
      expect(await texts.read("esc_1"), "it is not read from here on").to.equal(null);
      await texts.stop();
      expect((await bytesOfStore()).includes(closed), "and not after").to.equal(false);
      expect(await open().read("esc_2"), "what waits is kept").to.deep.equal(said("this one waits on")());
      let entries = 0;
      for await (const _ of store.journal.read(0, 1000)) {
        entries += 1;
      }
      expect(entries, "and so is the log").to.be.at.least(10);
    });
  }

  it("that a crash has left of what waits no more are erased at the next start", async () => {
    const before = open();
    before.onDecided([opened("esc_1")], said(secret));
    before.onDecided([opened("esc_2")], said("this one waits on"));
    await before.settle();
    const row = (await store.texts().rows.get("esc_1")) as Buffer;
    const after = open();
    after.start(new Set(["esc_2"]));
    await after.stop();
    expect(await store.texts().rows.keys().all()).to.deep.equal(["esc_2"]);
    expect((await bytesOfStore()).includes(row.subarray(13, 45))).to.equal(false);
  });

  it("are kept in memory alone without a store", async () => {
    const texts = new ActionTexts(null, clock);
    texts.onDecided([opened("esc_1")], said(secret));
    await texts.settle();
    expect(await texts.read("esc_1")).to.deep.equal(said(secret)());
    texts.onSealed([resolved("esc_1")]);
    expect(await texts.read("esc_1")).to.equal(null);
  });

  it("are encrypted under a key that is made once, for its owner alone", async () => {
    const keys = join(directory, "keys");
    await mkdir(keys, { mode: 0o700 });
    const made = await openTextKey(keys, randomBytes);
    expect(made).to.have.length(32);
    expect((await stat(join(keys, "text.key"))).mode & 0o777).to.equal(0o600);
    expect(await openTextKey(keys, randomBytes)).to.deep.equal(made);
    await chmod(join(keys, "text.key"), 0o644);
    expect(await codeOf(openTextKey(keys, randomBytes))).to.equal("start.keys");
    await rm(join(keys, "text.key"));
    await writeFile(join(keys, "text.key"), "short", { mode: 0o600 });
    expect(await codeOf(openTextKey(keys, randomBytes))).to.equal("start.keys");
    await rm(join(keys, "text.key"));
    expect(await openTextKey(keys, randomBytes), "another after a loss").not.to.deep.equal(made);
  });
});

async function codeOf(failing: Promise<unknown>): Promise<unknown> {
  return failing.then(
    () => null,
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );
}
