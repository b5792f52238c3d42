import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { signText } from "../../src/vault/signature.js";
import { Signer } from "../../src/vault/signer.js";
import { SigningThread } from "../../src/vault/signing-thread.js";
import { failure } from "../journal/suite.js";

const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const public_key = createPublicKey(key);

function texts(count: number, name = "text"): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`);
}

/** Whether each signature is that of the text in its place. */
function areSignatures(of: readonly string[], signatures: readonly string[]): boolean {
  return (
    of.length === signatures.length &&
    of.every((text, i) =>
      verify("sha256", Buffer.from(text), public_key, Buffer.from(signatures[i] as string, "base64")),
    )
  );
}

describe("a signing thread", () => {
  let thread: SigningThread;

  beforeEach(() => {
    thread = new SigningThread(key);
  });

  afterEach(() => thread.close());

  it("answers each question with the signatures of its own texts", async () => {
    const asked = [texts(3, "a"), texts(8, "b"), texts(1, "c")];
    const answers = await Promise.all(asked.map((each) => thread.sign(each)));
    for (const [i, each] of asked.entries()) {
      expect(areSignatures(each, answers[i] as readonly string[])).to.equal(true);
    }
  });

  it("signs while the event loop goes on", async () => {
    let turns = 0;
    let signed = false;
    const turn = () => {
      turns += 1;
      if (!signed) {
        setImmediate(turn);
      }
    };
    const waiting = Array.from({ length: 64 }, (_, i) => thread.sign(texts(8, String(i))));
    turn();
    for (const [i, signatures] of (await Promise.all(waiting)).entries()) {
      expect(areSignatures(texts(8, String(i)), signatures)).to.equal(true);
    }
    signed = true;
    expect(turns).to.be.greaterThan(2);
  });

  it("leaves to the event loop what that takes back, but for what is its own next message", async () => {
    const here: string[] = [];
    const sign = (text: string) => {
      here.push(text);
      return signText(key, text);
    };
    expect(thread.signOneHere(sign)).to.equal(false);
    // The thread has not begun: it takes its time to start, and this turn of the event loop goes on.
    const asked = [texts(2, "a"), texts(3, "b"), texts(1, "c")];
    const answers = asked.map((each) => thread.sign(each));
    while (thread.signOneHere(sign)) {}
    expect(here).to.deep.equal(asked.slice(1).flat());
    for (const [i, each] of asked.entries()) {
      expect(areSignatures(each, (await answers[i]) as readonly string[])).to.equal(true);
    }
    // And goes on with what comes after.
    expect(areSignatures(texts(4), await thread.sign(texts(4)))).to.equal(true);
  });

  it("has room again when its oldest message is answered, and not before", async () => {
    await thread.sign(texts(1));
    const waiting = Array.from({ length: limits.signing_messages }, () => thread.sign(texts(8)));
    expect(thread.ready).to.equal(false);
    await waiting[0];
    expect(thread.ready).to.equal(true);
    await Promise.all(waiting);
  });

  it("can be ended while it has nothing to do", async () => {
    await thread.sign(texts(1));
    await thread.close();
  });

  it("rejects what it has not signed when it ends, and everything after", async () => {
    await thread.sign(texts(1));
    const waiting = Array.from({ length: 200 }, () => thread.sign(texts(8)));
    const last = failure(() => waiting.at(-1) as Promise<unknown>);
    const others = Promise.allSettled(waiting);
    await thread.close();
    expect((await last).message).to.contain("has ended");
    await others;
    expect((await failure(() => thread.sign(texts(1)))).message).to.contain("has ended");
  });
});

describe("a signer", () => {
  let signer: Signer;

  beforeEach(() => {
    signer = new Signer(key);
  });

  afterEach(() => signer.close());

  it("gives everybody the right signatures, before its thread has begun and after", async () => {
    for (let round = 0; round < 30; round++) {
      const asked = Array.from({ length: 1 + (round % 7) * 3 }, (_, i) =>
        texts(1 + (i % 3), `${round}.${i}`),
      );
      const answers = await Promise.all(asked.map((each) => signer.sign(each)));
      for (const [i, each] of asked.entries()) {
        expect(areSignatures(each, answers[i] as readonly string[])).to.equal(true);
      }
    }
  });

  it("gives each signature once, also when it is told to hurry in the middle", async () => {
    for (let round = 0; round < 30; round++) {
      const asked = Array.from({ length: 40 }, (_, i) => texts(1 + (i % 12), `${round}.${i}`));
      const answers = asked.map((each) => signer.sign(each));
      signer.hurry();
      for (const [i, each] of asked.entries()) {
        expect(areSignatures(each, (await answers[i]) as readonly string[])).to.equal(true);
        signer.hurry();
      }
    }
  });
});
