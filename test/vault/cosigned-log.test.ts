import { randomBytes } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { checkVault } from "../../src/vault/check.js";
import { exportFiles } from "../../src/vault/evidence.js";
import { openLevel } from "../../src/vault/level.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { repairVault } from "../../src/vault/repair.js";
import type { Vault } from "../../src/vault/vault.js";
import { verify } from "../../src/vault/verify.js";
import { readWitnessPolicy } from "../../src/vault/witness-policy.js";
import { Witnesses, type WitnessState } from "../../src/vault/witnesses.js";
import { collect } from "../journal/suite.js";
import { logsOf, type RunningWitness, startWitness } from "../witness/running.js";
import { draft, noon, openStored, refusedStart, removeScratch, scratchDirectory } from "./fixture.js";

/** Notices as the verifier knows them. */
function drafts(count: number) {
  const members = { session_id: null, session_index: null, body: {} };
  return Array.from({ length: count }, (_, i) => {
    const { content, details } = draft(`note ${i}`);
    return { content: { ...content, ...members }, details };
  });
}

describe("a log with witnesses", () => {
  let data = "";
  let places = "";
  let trust = "";
  let running: RunningWitness[] = [];
  const states: WitnessState[] = [];

  const start = async (name: string, port = 0) => {
    const witness = await startWitness(join(places, name), `w.example/${name}`, logsOf(trust), port);
    running.push(witness);
    return witness;
  };

  async function stop(witness: RunningWitness): Promise<void> {
    running = running.filter((each) => each !== witness);
    await witness.close();
  }

  function open(witnesses: readonly RunningWitness[], quorum: number): Promise<Vault> {
    const text = JSON.stringify(witnesses.map(({ vkey, url }) => ({ vkey, url })));
    const policy = readWitnessPolicy(text, quorum);
    const cosigning = new Witnesses(policy, (state) => states.push(state));
    return openStored(data, { cosigning });
  }

  const shown = async () => Number((await readFile(join(data, "log/checkpoint"), "utf8")).split("\n")[1]);

  /** Seals so many more entries and waits until they are shown. */
  async function grow(vault: Vault, count: number): Promise<void> {
    await vault.seal(drafts(count));
    vault.publish();
    const { size } = vault.head();
    expect(await vault.publication.covering(size - 1, 20_000)).to.have.property("size", size);
  }

  beforeEach(async () => {
    states.length = 0;
    data = await scratchDirectory();
    places = await scratchDirectory();
    // A first start makes the keys that witnesses have to know.
    const vault = await openStored(data);
    trust = vault.trust();
    await vault.close();
  });

  afterEach(async () => {
    for (const witness of running) {
      await stop(witness);
    }
    await removeScratch();
  });

  it("shows checkpoints that they signed, and its exports verify by them", async () => {
    const pair = [await start("1"), await start("2")];
    const vault = await open(pair, 2);
    await grow(vault, 300);
    const pieces = await collect(exportFiles(vault, { size: 301, session_id: null }));
    const bytes = (path: string) =>
      Buffer.concat(pieces.filter((piece) => piece.path === path).map(({ chunk }) => chunk));
    const report = verify({ bundle: bytes("bundle.json"), log: null }, bytes("trust.json"), {
      trust_given: true,
      crypto: node_crypto,
    });
    expect(report).to.deep.include({
      code: null,
      tree_size: 301,
      witnessed: { quorum: 2, by: ["w.example/1", "w.example/2"] },
    });
    await vault.close();
  });

  it("seals on when they are away, shows the last one that they signed, and catches up", async () => {
    const first = await start("1");
    const vault = await open([first], 1);
    await grow(vault, 5);
    await stop(first);
    await vault.seal(drafts(5));
    while (states.at(-1)?.witnessed !== false) {
      await new Promise(setImmediate);
    }
    expect(vault.publication.signed.size).to.equal(11);
    expect([vault.publication.published?.size, await shown()]).to.deep.equal([6, 6]);
    // Nothing more is sealed: it is brought to the witness all the same.
    await start("1", first.port);
    expect(await vault.publication.covering(10, 20_000)).to.have.property("size", 11);
    expect(await shown()).to.equal(11);
    await vault.close();
  });

  it("starts without them, and shows what they signed before", async () => {
    const first = await start("1");
    const vault = await open([first], 1);
    await grow(vault, 5);
    await stop(first);
    await vault.seal(drafts(5));
    await vault.close();
    const again = await open([first], 1);
    expect([again.publication.published?.size, again.publication.signed.size]).to.deep.equal([6, 11]);
    await again.close();
    const { journal } = openLevel(join(data, "store"));
    expect(await checkVault({ directory: data, journal })).to.deep.include({
      newest_checkpoint: 11,
      shown_checkpoint: 6,
      witnesses: ["w.example/1"],
    });
    await rm(join(data, "log/tile/0"), { recursive: true });
    await repairVault({
      directory: data,
      journal: () => openLevel(join(data, "store")).journal,
      heartbeat_seconds: 60,
      now: () => noon,
      random: randomBytes,
    });
    expect(await shown()).to.equal(6);
  });

  it("shows none without them whose own signatures are not those that were made", async () => {
    const first = await start("1");
    const vault = await open([first], 1);
    await grow(vault, 5);
    await vault.close();
    await stop(first);
    const path = join(data, "log/checkpoint");
    const note = await readFile(path, "utf8");
    const [line = ""] = note.match(/^\u2014 .*$/m) ?? [];
    await writeFile(path, note.replace(line, `${line.slice(0, -6)}AAAA${line.slice(-2)}`));
    const again = await open([first], 1);
    expect(again.publication.published).to.equal(null);
    await again.close();
  });

  it("does not start from an older copy of its whole directory, checkpoints.log included", async () => {
    const first = await start("1");
    const before = await open([first], 1);
    await before.close();
    const copy = join(await scratchDirectory(), "copy");
    await cp(data, copy, { recursive: true });
    const vault = await open([first], 1);
    await grow(vault, 5);
    await vault.close();
    await rm(data, { recursive: true });
    await cp(copy, data, { recursive: true });
    const refused = await refusedStart(() => open([first], 1));
    expect(refused.code).to.equal("start.behind_witness");
    expect(refused.message).to.contain("has seen 6 entries of this log, and 1 are signed here");
    // Without anybody who remembers, the copy is as good as new.
    await (await openStored(data)).close();
  });

  it("ends when a clone of it has gone on elsewhere", async () => {
    const first = await start("1");
    const vault = await open([first], 1);
    await vault.close();
    const clone = join(await scratchDirectory(), "clone");
    await cp(data, clone, { recursive: true });
    const original = await open([first], 1);
    await grow(original, 5);
    await original.close();
    data = clone;
    const failed = new Promise<Error>((resolve) => {
      const policy = readWitnessPolicy(JSON.stringify([{ vkey: first.vkey, url: first.url }]), 1);
      // Started while the witness was away, and now it is there.
      const witnesses = new Witnesses(policy);
      let asked = 0;
      const cosigning = {
        policy,
        isWitnessed: witnesses.isWitnessed,
        cosign: (...about: Parameters<typeof witnesses.cosign>) =>
          asked++ === 0 ? Promise.resolve(null) : witnesses.cosign(...about),
      };
      openStored(data, { cosigning, onPoisoned: resolve }).then(async (cloned) => {
        await cloned.seal(drafts(1));
        cloned.publish();
      }, resolve);
    });
    expect((await failed).message).to.contain("another server runs on the same keys");
  });
});
