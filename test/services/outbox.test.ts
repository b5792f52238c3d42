import { expect } from "chai";
import { Outbox } from "../../src/services/outbox.js";

/** What `next` gives, or null while it waits. */
async function now<T>(next: Promise<IteratorResult<T>>): Promise<T | "end" | null> {
  const tick = new Promise<null>((resolve) => setImmediate(() => resolve(null)));
  const step = await Promise.race([next, tick]);
  return step === null ? null : step.done === true ? "end" : step.value;
}

describe("an outbox", () => {
  const open = (full_at = 3) => {
    const left = { times: 0 };
    const outbox = new Outbox<string>(full_at, () => {
      left.times += 1;
    });
    return { outbox, left };
  };

  it("lets what is urgent overtake what waits, in its own order", async () => {
    const { outbox } = open();
    outbox.put("verdict");
    const sent: string[] = [];
    outbox.hasten("opened", () => sent.push("opened"));
    outbox.hasten("directive", () => sent.push("directive"));
    expect(sent).to.deep.equal([]);
    expect(await now(outbox.next())).to.equal("opened");
    expect(sent).to.deep.equal(["opened"]);
    expect(await now(outbox.next())).to.equal("directive");
    expect(await now(outbox.next())).to.equal("verdict");
  });

  it("keeps of what is replaced the newest alone, after what is urgent and before what waits", async () => {
    const { outbox } = open();
    const sent: string[] = [];
    outbox.put("verdict");
    outbox.replace("paused", () => sent.push("paused"));
    outbox.replace("resumed", () => sent.push("resumed"));
    outbox.hasten("stop");
    expect(await now(outbox.next())).to.equal("stop");
    expect(await now(outbox.next())).to.equal("resumed");
    expect(sent).to.deep.equal(["resumed"]);
    outbox.replace("paused");
    outbox.replace(null);
    expect(await now(outbox.next())).to.equal("verdict");
  });

  it("gives a message to who waits for it already", async () => {
    const { outbox } = open();
    const next = outbox.next();
    expect(await now(next)).to.equal(null);
    outbox.put("verdict");
    expect(await now(next)).to.equal("verdict");
  });

  it("is full of what was begun and has not left, and makes room as it leaves", async () => {
    const { outbox } = open(2);
    outbox.begin();
    expect(outbox.full).to.equal(false);
    outbox.begin();
    expect(outbox.full).to.equal(true);
    outbox.answer("first");
    // Answered, but nobody has taken it.
    expect(outbox.full).to.equal(true);
    let room = false;
    const made = outbox.room().then(() => {
      room = true;
    });
    expect(await now(outbox.next())).to.equal("first");
    await made;
    expect([room, outbox.full]).to.deep.equal([true, false]);
  });

  it("ends when all that was begun is said, and not before", async () => {
    const { outbox, left } = open();
    outbox.begin();
    outbox.end(null);
    expect(outbox.ending).to.equal(true);
    const next = outbox.next();
    expect(await now(next)).to.equal(null);
    outbox.answer("last");
    expect(await now(next)).to.equal("last");
    expect([await now(outbox.next()), left.times]).to.deep.equal(["end", 1]);
  });

  it("throws the error that it was ended with, the first of several, after all is said", async () => {
    const { outbox } = open();
    outbox.put("verdict");
    outbox.end(new Error("revoked"));
    outbox.end(null);
    expect(await now(outbox.next())).to.equal("verdict");
    expect(await outbox.next().catch((error: Error) => error.message)).to.equal("revoked");
  });

  it("ends at once for who waits when it is left, and wakes who waits for room", async () => {
    const { outbox, left } = open(1);
    outbox.begin();
    const [next, room] = [outbox.next(), outbox.room()];
    await outbox.return();
    expect(await now(next)).to.equal("end");
    await room;
    outbox.answer("late");
    expect([await now(outbox.next()), left.times]).to.deep.equal(["end", 1]);
  });

  it("ends when an answer that was begun is abandoned", async () => {
    const { outbox } = open();
    outbox.begin();
    outbox.end(null);
    const next = outbox.next();
    outbox.abandon();
    expect(await now(next)).to.equal("end");
  });
});
