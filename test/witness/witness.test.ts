import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type AddCheckpoint, formatAddCheckpoint } from "../../src/vault/add-checkpoint.js";
import type { HashTree } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { type NoteKey, openNote, parseNote, parseNoteKey } from "../../src/vault/note.js";
import { type Cosigner, openCosigner } from "../../src/witness/cosigner.js";
import { Memory } from "../../src/witness/memory.js";
import { Witness, type WitnessParts } from "../../src/witness/witness.js";
import { WitnessError } from "../../src/witness/witness-error.js";
import { origin } from "../vault/verify/made.js";
import { growth, log_keys, noteOf, proofOf, treeOf } from "./log.js";

const name = "witness.example.org/w";
const seconds = 1_800_000_000;

describe("a witness", () => {
  let folder = "";
  let memory: Memory;
  let cosigner: Cosigner;
  let witness: Witness;

  function witnessWith(more: Partial<WitnessParts> = {}): Witness {
    const logs = new Map([[origin, log_keys]]);
    return new Witness({ cosigner, logs, memory, crypto: node_crypto, now: () => seconds * 1000, ...more });
  }

  const ask = (request: AddCheckpoint | string, asked = witness) =>
    asked.addCheckpoint(Buffer.from(typeof request === "string" ? request : formatAddCheckpoint(request)));

  async function told(request: AddCheckpoint | string): Promise<string> {
    const { status, body, type } = await ask(request);
    return status === 409 ? `${status} ${type} ${JSON.stringify(body)}` : String(status);
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "killcord-witness-"));
    cosigner = await openCosigner(folder, name);
    memory = await Memory.open(folder, cosigner.vkey);
    witness = witnessWith();
  });

  afterEach(async () => {
    await memory.close();
    rmSync(folder, { recursive: true });
  });

  it("cosigns a log that grows, with the time of its clock", async () => {
    for (const [old_size, size] of [
      [0, 1],
      [1, 7],
      [7, 8],
      [8, 300],
      [300, 300],
    ] as const) {
      const tree = treeOf(size);
      const { status, body, type } = await ask(growth(tree, old_size));
      expect([status, type]).to.deep.equal([200, "text/plain; charset=utf-8"]);
      const note = parseNote(noteOf(tree) + body);
      const key = parseNoteKey(cosigner.vkey, node_crypto.sha256) as NoteKey;
      expect(note && openNote(note, [key], node_crypto)).to.deep.equal({
        signatures: [{ key, time_seconds: seconds }],
      });
    }
  });

  it("answers a stale size with the one that it knows", async () => {
    await ask(growth(treeOf(10), 0));
    for (const old_size of [0, 9, 11]) {
      expect(await told({ ...growth(treeOf(20), 10), old_size })).to.equal('409 text/x.tlog.size "10\\n"');
    }
    expect(await told(growth(treeOf(20), 10))).to.equal("200");
  });

  it("cosigns no log that was rolled back", async () => {
    await ask(growth(treeOf(10), 0));
    expect(await told(growth(treeOf(9), 0))).to.equal('409 text/x.tlog.size "10\\n"');
    expect(await told({ old_size: 10, proof: [], note: noteOf(treeOf(9)) })).to.equal("400");
  });

  it("cosigns no other history, of another size or of the same", async () => {
    await ask(growth(treeOf(10), 0));
    expect(await told(growth(treeOf(20, "other"), 10))).to.equal("422");
    expect(await told(growth(treeOf(10, "other"), 10))).to.equal('409 text/x.tlog.size "10\\n"');
    expect(memory.latest(origin)).to.have.property("size", 10);
  });

  it("refuses a proof that is short, long, of another size, or not needed", async () => {
    const tree = treeOf(20);
    const proof = proofOf(tree, 11);
    expect(await told({ old_size: 0, proof, note: noteOf(tree) })).to.equal("422");
    await ask(growth(treeOf(11), 0));
    const wrong = [
      [],
      proof.slice(1),
      [...proof, proof[0] as Uint8Array],
      proofOf(tree, 10),
      proof.toReversed(),
    ];
    for (const each of wrong) {
      expect(await told({ old_size: 11, proof: each, note: noteOf(tree) })).to.equal("422");
    }
    expect(await told({ old_size: 11, proof, note: noteOf(tree) })).to.equal("200");
    expect(await told({ old_size: 20, proof, note: noteOf(tree) })).to.equal("422");
  });

  it("knows only its logs, by their signatures", async () => {
    const tree = treeOf(3);
    expect(await told({ old_size: 0, proof: [], note: noteOf(tree, 3, "elsewhere.example/log") })).to.equal(
      "404",
    );
    const note = noteOf(tree);
    const text = note.slice(0, note.indexOf("\n\n") + 1);
    expect(await told({ old_size: 0, proof: [], note: note.replace("\n3\n", "\n4\n") })).to.equal("403");
    const stranger = cosigner.cosign(text, seconds);
    expect(await told({ old_size: 0, proof: [], note: `${text}\n${stranger}` })).to.equal("403");
    // One known key is enough, and lines of strangers do no harm.
    const [first] = note.slice(text.length + 1).split("\n");
    expect(await told({ old_size: 0, proof: [], note: `${text}\n${stranger}${first}\n` })).to.equal("200");
  });

  it("refuses what is no request", async () => {
    const note = noteOf(treeOf(3));
    const hash = `${Buffer.alloc(32).toString("base64")}\n`;
    const bad = [
      "",
      "\n",
      "old 0\n",
      `old 0\n${note}`,
      `old -1\n\n${note}`,
      `old 00\n\n${note}`,
      `old  0\n\n${note}`,
      `old 9999999999999999\n\n${note}`,
      `old 0\nAAAA\n\n${note}`,
      `old 0\n${hash.repeat(64)}\n${note}`,
      `old 0\n\n${note.trimEnd()}`,
      `old 0\n\n${note.replace("\n3\n", "\n03\n")}`,
      `old 0\n\n${note.replace("\n\n", "\nextension\n\n")}`,
    ];
    for (const each of bad) {
      expect(await told(each), JSON.stringify(each)).to.equal("400");
    }
    expect((await ask(Buffer.of(0xff).toString("latin1"))).status).to.equal(400);
  });

  it("cosigns one of two that come at once from the same size", async () => {
    await ask(growth(treeOf(10), 0));
    const requests = [20, 15, 20, 30].map((size) => told(growth(treeOf(size), 10)));
    expect(await Promise.all(requests)).to.deep.equal([
      "200",
      ...Array.from({ length: 3 }, () => '409 text/x.tlog.size "20\\n"'),
    ]);
  });

  it("answers only when its record is on disk, whatever comes in between", async () => {
    const order: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = witnessWith({
      memory: {
        latest: (log) => memory.latest(log),
        keep: async (checkpoint, note) => {
          order.push(`keep ${checkpoint.size}`);
          await held;
          await memory.keep(checkpoint, note);
          order.push(`kept ${checkpoint.size}`);
        },
      },
    });
    const both = [10, 12].map((size) =>
      ask(growth(treeOf(size), 0), slow).then(({ status }) => order.push(`${size}: ${status}`)),
    );
    await new Promise(setImmediate);
    expect(order).to.deep.equal(["keep 10"]);
    release();
    await Promise.all(both);
    expect(order).to.deep.equal(["keep 10", "kept 10", "10: 200", "12: 409"]);
  });

  it("cosigns nothing more once a record could not be written", async () => {
    const failing = witnessWith({
      memory: { latest: () => null, keep: () => Promise.reject(new Error("no space")) },
    });
    for (let i = 0; i < 2; i++) {
      await ask(growth(treeOf(3), 0), failing).then(
        () => expect.fail("an error was expected"),
        (error: Error) => expect(error.message).to.equal("no space"),
      );
    }
  });

  it("remembers across a restart, and keeps its key", async () => {
    await ask(growth(treeOf(10), 0));
    await memory.close();
    const again = await openCosigner(folder, null);
    expect(again.vkey).to.equal(cosigner.vkey);
    memory = await Memory.open(folder, again.vkey);
    witness = witnessWith();
    expect(await told(growth(treeOf(20, "other"), 0))).to.equal('409 text/x.tlog.size "10\\n"');
    expect(await told(growth(treeOf(20), 10))).to.equal("200");
    expect(statSync(join(folder, "witness.ed25519.pem")).mode & 0o777).to.equal(0o600);
    expect(readFileSync(join(folder, "witness.vkey"), "utf8")).to.equal(`${cosigner.vkey}\n`);
  });

  it("does not start with a damaged record, another name, or beside another one", async () => {
    const refused = async (start: Promise<unknown>, why: RegExp) =>
      start.then(
        () => expect.fail("an error was expected"),
        (error: Error) => expect(error).to.be.instanceOf(WitnessError).with.property("message").match(why),
      );
    await refused(Memory.open(folder, cosigner.vkey), /another witness runs/);
    await refused(
      openCosigner(folder, "other.example/w"),
      /is the witness witness\.example\.org\/w, not other/,
    );
    await ask(growth(treeOf(10), 0));
    await memory.close();
    const record = join(folder, readdirSync(folder).find((file) => file.endsWith(".checkpoint")) as string);
    const whole = readFileSync(record);
    truncateSync(record, whole.length - 1);
    await refused(Memory.open(folder, cosigner.vkey), /is damaged/);
    writeFileSync(record, whole.toString().replace("\n10\n", "\n9\n"));
    await refused(Memory.open(folder, cosigner.vkey), /is damaged/);
    writeFileSync(record, whole);
    memory = await Memory.open(folder, cosigner.vkey);
  });

  it("has a name before it has a key", async () => {
    const empty = mkdtempSync(join(tmpdir(), "killcord-witness-"));
    await openCosigner(empty, null).then(
      () => expect.fail("an error was expected"),
      (error: Error) => expect(error.message).to.contain("--name"),
    );
    rmSync(empty, { recursive: true });
  });
});

describe("the proofs of these tests", () => {
  it("are those that a verifier takes", () => {
    const whole: HashTree = treeOf(40);
    expect(proofOf(whole, 32)).to.have.length(1);
    expect(proofOf(whole, 39).length).to.be.above(2);
  });
});
