import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { claim, newRing, post, sign, signaturesOf, textsOf } from "../../src/vault/signing-ring.js";

const { signing_messages: slots, signatures_per_message: per_message } = limits;

function texts(count: number, name: string): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`.padEnd(64, "."));
}

describe("the ring of a signing thread", () => {
  it("holds the texts and signatures of as many messages as it has slots, each of its own length", () => {
    const ring = newRing();
    const count = (message: number) => 1 + (message % per_message);
    for (let message = 0; message < slots; message++) {
      post(ring, message, texts(count(message), String(message)));
      sign(ring, message, Array(count(message)).fill(Buffer.alloc(70 + (message % 3), message)));
    }
    for (let message = 0; message < slots; message++) {
      expect(textsOf(ring, message).map(String)).to.deep.equal(texts(count(message), String(message)));
      const signature = Buffer.alloc(70 + (message % 3), message);
      expect(signaturesOf(ring, message)).to.deep.equal(Array(count(message)).fill(signature));
    }
  });

  it("refuses more than a message holds", () => {
    expect(() => post(newRing(), 0, texts(per_message + 1, "a"))).to.throw(RangeError);
    expect(() => post(newRing(), 0, ["a".repeat(65)])).to.throw(RangeError);
  });

  it("gives each message to one claim", () => {
    const ring = newRing();
    expect([0, 1, 2].map((message) => claim(ring, message))).to.deep.equal([true, true, true]);
    expect([0, 2].map((message) => claim(ring, message))).to.deep.equal([false, false]);
  });

  it("goes on in the next round, and beyond the numbers that a slot can hold", () => {
    const ring = newRing();
    const start = 2 ** 31 - 2 * slots;
    ring.claims.forEach((_, slot) => {
      ring.claims[slot] = start + slot - slots;
    });
    for (let message = start; message < start + 4 * slots; message++) {
      expect(claim(ring, message), String(message)).to.equal(true);
      expect(claim(ring, message), String(message)).to.equal(false);
    }
  });

  it("gives each message to one of two threads, whoever is first", async () => {
    const rings = Array.from({ length: 500 }, () => newRing().claims);
    const module = new URL("../../src/vault/signing-ring.js", import.meta.url).href;
    const script = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(${JSON.stringify(module)}).then(({ claim }) => {
        parentPort.postMessage("ready");
        let count = 0;
        for (const claims of workerData) {
          for (let message = 0; message < claims.length; message++) count += claim({ claims }, message);
        }
        parentPort.postMessage(count);
      });`;
    const worker = new Worker(script, { eval: true, workerData: rings });
    const messages: unknown[] = [];
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise<void>((resolve) => {
      worker.on("message", (message: unknown) => {
        messages.push(message);
        resolve();
      });
    });
    let mine = 0;
    for (const claims of rings) {
      for (let message = 0; message < claims.length; message++) {
        mine += Number(claim({ claims }, message));
      }
    }
    await ended;
    expect(mine + Number(messages[1])).to.equal(rings.length * slots);
  });
});
