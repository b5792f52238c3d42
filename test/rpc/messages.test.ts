import { PassThrough } from "node:stream";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import type { HttpRequest } from "../../src/rpc/http.js";
import { readMessages } from "../../src/rpc/messages.js";
import { Room } from "../../src/services/room.js";
import { ProbeService } from "./probe-service.js";

/** The reader uses what every stream has, so a pipe stands for a request. */
function reading(max_bytes: number, request_ms = 10_000) {
  const pipe = new PassThrough();
  const stop = new AbortController();
  const room = new Room({ bodies_bytes: 300_000, bodies_bytes_kept: 0, bodies_bytes_acknowledging: 0 });
  const share = room.enter(ProbeService.method.talk);
  const messages = readMessages(
    pipe as unknown as HttpRequest,
    { request_body_bytes: max_bytes, request_ms },
    stop.signal,
    share,
  );
  return { pipe, stop, share, room, messages: messages[Symbol.asyncIterator]() };
}

const codeOf = (error: unknown) => (error as { code: string }).code;

describe("rpc: the messages of a caller's stream", () => {
  const small = encodeEnvelope(0, Buffer.from("one"));
  const large = encodeEnvelope(1, Buffer.alloc(100_000, 7));
  const whole = Buffer.concat([small, large, encodeEnvelope(0, new Uint8Array(0))]);

  for (const size of [1, 3, 5, 8, 9, 4096, whole.length]) {
    it(`come whole and in order when their bytes come ${size} at a time`, async () => {
      const { pipe, messages } = reading(100_000);
      for (let offset = 0; offset < whole.length; offset += size) {
        pipe.write(whole.subarray(offset, offset + size));
      }
      pipe.end();
      expect(Buffer.compare((await messages.next()).value, small)).to.equal(0);
      expect(Buffer.compare((await messages.next()).value, large)).to.equal(0);
      expect((await messages.next()).value.byteLength).to.equal(5);
      expect(await messages.next()).to.deep.equal({ done: true, value: undefined });
    });
  }

  it("take up room as long as they come and are looked at, and no longer", async () => {
    const { pipe, messages, room, share } = reading(100_000);
    pipe.write(large.subarray(0, 50_000));
    const first = messages.next();
    pipe.write(large.subarray(50_000));
    await first;
    expect(room.taken).to.be.at.least(large.length);
    const second = messages.next();
    pipe.end(small);
    await second;
    expect(room.taken).to.be.at.most(2 * small.length);
    await messages.next();
    expect(room.taken).to.equal(0);
    share.leave();
    expect(room.taken).to.equal(0);
  });

  it("are refused when others leave no room", async () => {
    const { pipe, messages, room, share } = reading(100_000);
    const others = room.enter(ProbeService.method.talk);
    others.take(299_000);
    pipe.write(large);
    const error = await messages.next().catch((thrown: unknown) => thrown);
    expect(codeOf(error)).to.equal("overloaded");
    share.leave();
    expect(room.taken).to.equal(299_000);
  });

  it("are refused over the limit when only their length has come", async () => {
    const { pipe, messages } = reading(99_999);
    pipe.write(small);
    pipe.write(large.subarray(0, 5));
    await messages.next();
    expect(await messages.next().catch(codeOf)).to.equal("payload_too_large");
    expect(pipe.destroyed).to.equal(false);
  });

  it("wait in the socket, and not in a queue, while nobody asks", async () => {
    const { pipe, messages } = reading(100_000);
    let written = 0;
    while (pipe.write(large)) {
      written += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 100 && !pipe.writableNeedDrain; i += 1) {
      pipe.write(large);
    }
    expect(pipe.writableNeedDrain).to.equal(true);
    expect(pipe.isPaused()).to.equal(true);
    expect((await messages.next()).value.byteLength).to.equal(large.length);
    expect(written).to.be.below(100);
    await messages.return?.();
  });

  it("that are torn by the end are passed on as they are", async () => {
    const { pipe, messages } = reading(100_000);
    pipe.end(large.subarray(0, 50));
    expect((await messages.next()).value.byteLength).to.equal(50);
    expect((await messages.next()).done).to.equal(true);
  });

  it("end with what ends the call, and when they are left, at once", async () => {
    const stopped = reading(10);
    const pending = stopped.messages.next().catch(codeOf);
    stopped.stop.abort({ code: "deadline_exceeded" });
    expect(await pending).to.equal("deadline_exceeded");

    const gone = reading(10);
    const waiting = gone.messages.next().catch(codeOf);
    gone.pipe.destroy();
    expect(await waiting).to.equal("canceled");

    const left = reading(10);
    const parked = left.messages.next();
    await left.messages.return?.();
    expect((await parked).done).to.equal(true);
  });
});
