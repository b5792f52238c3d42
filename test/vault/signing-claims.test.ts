import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { claim, newClaims } from "../../src/vault/signing-claims.js";

describe("claims of messages to sign", () => {
  it("are given once", () => {
    const claims = newClaims(4);
    expect([0, 1, 2, 3].map((message) => claim(claims, message))).to.deep.equal([true, true, true, true]);
    expect([0, 3].map((message) => claim(claims, message))).to.deep.equal([false, false]);
  });

  it("go on in the next round, and beyond the numbers that a slot can hold", () => {
    const claims = newClaims(4);
    const start = 2 ** 31 - 8;
    claims.forEach((_, slot) => {
      claims[slot] = start + slot - 4;
    });
    for (let message = start; message < start + 16; message++) {
      expect(claim(claims, message), String(message)).to.equal(true);
      expect(claim(claims, message), String(message)).to.equal(false);
    }
  });

  it("go to one of two threads, whoever is first", async () => {
    const claims = newClaims(1 << 16);
    const module = new URL("../../src/vault/signing-claims.js", import.meta.url).href;
    const script = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(${JSON.stringify(module)}).then(({ claim }) => {
        parentPort.postMessage("ready");
        let count = 0;
        for (let message = 0; message < workerData.length; message++) count += claim(workerData, message);
        parentPort.postMessage(count);
      });`;
    const worker = new Worker(script, { eval: true, workerData: claims });
    const messages: unknown[] = [];
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise<void>((resolve) => {
      worker.on("message", (message: unknown) => {
        messages.push(message);
        resolve();
      });
    });
    let mine = 0;
    for (let message = 0; message < claims.length; message++) {
      mine += Number(claim(claims, message));
    }
    await ended;
    expect(mine + Number(messages[1])).to.equal(claims.length);
  });
});
