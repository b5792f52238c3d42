import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { HashTree } from "../../src/vault/merkle.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import { type NoteKey, openNote, parseNote, parseNoteKey } from "../../src/vault/note.js";
import { readWitnessPolicy } from "../../src/vault/witness-policy.js";
import { Witnesses } from "../../src/vault/witnesses.js";
import { openCosigner } from "../../src/witness/cosigner.js";
import { log_keys, noteOf, proofOf, treeOf } from "../witness/log.js";
import { type RunningWitness, startWitness } from "../witness/running.js";
import { origin } from "./verify/made.js";

describe("the witnesses of a log", () => {
  let folder = "";
  const running: RunningWitness[] = [];
  const silent: Server[] = [];

  async function start(name: string): Promise<RunningWitness> {
    const logs = new Map([[origin, log_keys]]);
    const started = await startWitness(mkdtempSync(join(folder, "w-")), name, logs);
    running.push(started);
    return started;
  }

  const asking = (witnesses: readonly Pick<RunningWitness, "vkey" | "url">[], quorum: number | null = null) =>
    new Witnesses(
      readWitnessPolicy(JSON.stringify(witnesses.map(({ vkey, url }) => ({ vkey, url }))), quorum),
    );

  const cosigned = (witnesses: Witnesses, tree: HashTree) =>
    witnesses.cosign({ size: tree.size, note: noteOf(tree) }, async (size) => proofOf(tree, size));

  function signersOf(note: string | null): readonly string[] {
    const parsed = parseNote(note ?? "");
    const keys = running.map(({ vkey }) => parseNoteKey(vkey, node_crypto.sha256) as NoteKey);
    const opened = parsed === null ? null : openNote(parsed, keys, node_crypto);
    return opened !== null && "signatures" in opened ? opened.signatures.map(({ key }) => key.name) : [];
  }

  /** Something on a port that takes connections and says nothing. */
  async function mute(): Promise<string> {
    const server = createTcpServer();
    silent.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "killcord-witnesses-"));
  });

  afterEach(async () => {
    for (const { close } of running.splice(0)) {
      await close();
    }
    for (const server of silent.splice(0)) {
      server.close();
    }
    rmSync(folder, { recursive: true });
  });

  it("sign a log that grows, from whatever size they know", async () => {
    const pair = [await start("w.example/1"), await start("w.example/2")];
    const witnesses = asking(pair);
    for (const size of [1, 1, 5, 64, 100]) {
      expect(signersOf(await cosigned(witnesses, treeOf(size)))).to.deep.equal([
        "w.example/1",
        "w.example/2",
      ]);
    }
    // Another start of the log, which knows nothing of them.
    expect(signersOf(await cosigned(asking(pair), treeOf(120)))).to.have.length(2);
  });

  it("need not all be there, but the quorum", async () => {
    const there = await start("w.example/1");
    const gone = await start("w.example/2");
    await gone.close();
    running.splice(running.indexOf(gone), 1);
    const mute_one = { vkey: (await start("w.example/3")).vkey, url: await mute() };
    const all = [there, gone, mute_one];
    const one = asking(all, 1);
    expect(signersOf(await cosigned(one, treeOf(5)))).to.deep.equal(["w.example/1"]);
    expect(one.state).to.deep.include({ size: 5, quorum: 1, witnessed: true });
    const two = asking(all, 2);
    expect(await cosigned(two, treeOf(6))).to.equal(null);
    expect(two.state).to.deep.include({ size: 6, quorum: 2, witnessed: false });
    const why = two.state?.answers.map((answer) => (answer.signed ? "signed" : answer.why));
    expect(why?.[0]).to.equal("signed");
    expect(why?.[1]).to.match(/^it cannot be reached: /);
    expect(why?.[2]).to.equal("it did not answer in time");
  });

  it("stop a log that knows less than they do", async () => {
    const pair = [await start("w.example/1"), await start("w.example/2")];
    await cosigned(asking(pair), treeOf(50));
    await cosigned(asking(pair), treeOf(49)).then(
      () => expect.fail("an error was expected"),
      (error: Error) => {
        expect(error).to.have.property("code", "start.behind_witness");
        expect(error.message).to.match(
          /w\.example\/[12] has seen 50 entries of this log, and 49 are signed here/,
        );
      },
    );
  });

  it("sign no other history, of the same size or a larger one", async () => {
    const witnesses = asking([await start("w.example/1")]);
    await cosigned(witnesses, treeOf(50));
    for (const size of [50, 60]) {
      expect(await cosigned(asking(running), treeOf(size, "other"))).to.equal(null);
      expect(await cosigned(witnesses, treeOf(size, "other"))).to.equal(null);
    }
    expect(witnesses.state?.answers[0]).to.include({ signed: false, why: "it answered 422" });
    expect(await cosigned(witnesses, treeOf(60))).to.be.a("string");
  });

  it("are believed by their signature, whatever stands at their address", async () => {
    const one = await start("w.example/1");
    const two = await start("w.example/2");
    const swapped = asking([{ vkey: one.vkey, url: two.url }]);
    expect(await cosigned(swapped, treeOf(5))).to.equal(null);
    expect(swapped.state?.answers[0]).to.include({ why: "its answer is not its signature" });
    for (const [status, body] of [
      [200, "x".repeat(100_000)],
      [409, "-1\n"],
      [409, "9e9\n"],
      [302, ""],
      [500, ""],
    ] as const) {
      const server = createServer((_, response) =>
        response.writeHead(status, { location: one.url }).end(body),
      );
      silent.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const odd = asking([{ vkey: one.vkey, url }]);
      expect(await cosigned(odd, treeOf(5)), `${status}`).to.equal(null);
    }
  });

  it("are not the reason when a proof cannot be made", async () => {
    const witnesses = asking([await start("w.example/1")]);
    await witnesses
      .cosign({ size: 5, note: noteOf(treeOf(5)) }, () => Promise.reject(new Error("a tile is missing")))
      .then(
        () => expect.fail("an error was expected"),
        (error: Error) => expect(error.message).to.equal("a tile is missing"),
      );
  });
});

describe("a list of witnesses", () => {
  const vkey = "w.example/1+d51d72b9+BA";
  const told = (text: string, quorum: number | null = null) => {
    try {
      readWitnessPolicy(text, quorum);
      return "read";
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("is refused with what is wrong with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "killcord-witnesses-"));
    const good = { vkey: (await openCosigner(folder, "w.example/1")).vkey, url: "http://127.0.0.1:7412/" };
    rmSync(folder, { recursive: true });
    const list = (...witnesses: readonly unknown[]) => JSON.stringify(witnesses);
    expect(told(list(good))).to.equal("read");
    expect(told("[")).to.match(/not JSON/);
    expect(told("[]")).to.match(/1 to 32/);
    expect(told(list({ ...good, more: 1 }))).to.match(/nothing else/);
    expect(told(list(null))).to.match(/witness 1 should be/);
    expect(told(list({ ...good, vkey }))).to.match(/not the key of a witness/);
    expect(told(list({ ...good, url: "ftp://x" }))).to.match(/not an http/);
    expect(told(list(good, good))).to.match(/of its own/);
    expect(told(list(good), 2)).to.match(/quorum of 1 to 1/);
    expect(told(list(good), 0)).to.match(/quorum of 1 to 1/);
  });
});
