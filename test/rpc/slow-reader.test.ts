import { constants } from "node:http2";
import { connect } from "node:net";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { good_key, sessionUpdate } from "./fake-door.js";
import { openHttp2, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const watch = "/killcord.v1.SessionService/WatchSession";
const message_bytes = 100_000;

/** A watch that never runs out; counts what was taken of it. */
function endlessWatch(server: Running): { taken(): number; ended: Promise<{ code: string }> } {
  let count = 0;
  const ended = new Promise<{ code: string }>((resolve) => {
    server.door.follow = async function* (_request, call) {
      try {
        for (;;) {
          count += 1;
          yield sessionUpdate("s", count, "x".repeat(message_bytes));
        }
      } finally {
        resolve(call.signal.reason as { code: string });
      }
    };
  });
  return { taken: () => count, ended };
}

describe("rpc: a reader that does not read", () => {
  let server: Running;
  beforeEach(async () => {
    server = await start({ blocked_reader_ms: 100 });
  });
  afterEach(() => server.close());

  it("over HTTP/2 makes its stream wait and is cut off; others on its connection go on", async () => {
    const { taken, ended } = endlessWatch(server);
    const session = openHttp2(server.port);
    const headers = {
      ":path": watch,
      ":method": "POST",
      "x-api-key": good_key,
      "content-type": "application/grpc",
    };
    const stream = session.request(headers);
    stream.on("error", () => {});
    stream.end(encodeEnvelope(0, new Uint8Array(0)));
    const closed = new Promise((resolve) => stream.on("close", resolve));
    expect((await ended).code).to.equal("overloaded");
    stream.resume();
    await closed;
    expect(stream.rstCode).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // The window of a stream holds 64 KiB: the first message does not fit.
    expect(taken()).to.be.at.most(2);
    const next = await request2(session, { ":path": "/healthz", ":method": "GET" });
    expect(next.headers[":status"]).to.equal(200);
    session.destroy();
  });

  it("over HTTP/1.1 makes its stream wait and is cut off", async () => {
    const { taken, ended } = endlessWatch(server);
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    const body = encodeEnvelope(0, Buffer.from("{}"));
    socket.write(`POST ${watch} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\n`);
    socket.write(`Content-Type: application/connect+json\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body);
    expect((await ended).code).to.equal("overloaded");
    // What the kernel's buffers of both ends take, and no more.
    expect(taken() * message_bytes).to.be.below(30_000_000);
    socket.destroy();
  });

  it("that takes its time but reads is not cut off", async () => {
    await server.close();
    server = await start({ blocked_reader_ms: 1000 });
    const count = 30;
    server.door.follow = async function* () {
      for (let revision = 1; revision <= count; revision += 1) {
        yield sessionUpdate("s", revision, "x".repeat(message_bytes));
      }
    };
    const session = openHttp2(server.port);
    const headers = {
      ":path": watch,
      ":method": "POST",
      "x-api-key": good_key,
      "content-type": "application/grpc",
    };
    const stream = session.request(headers);
    stream.end(encodeEnvelope(0, new Uint8Array(0)));
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      stream.pause();
      setTimeout(() => stream.resume(), 7);
    });
    await new Promise((resolve) => stream.on("end", resolve));
    expect(bytes).to.be.above(count * message_bytes);
    expect(stream.rstCode).to.equal(0);
    session.destroy();
  });

  it("a reply that is not taken to its end does not stay", async () => {
    const session = openHttp2(server.port);
    session.settings({ initialWindowSize: 0 });
    await new Promise((resolve) => session.once("localSettings", resolve));
    for (const key of [good_key, "wrong"]) {
      const headers = { ":path": "/killcord.v1.SessionService/GetSession", "x-api-key": key };
      const reply = await request2(
        session,
        { ...headers, "content-type": "application/json" },
        Buffer.from("{}"),
      );
      expect(reply.reset).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    session.destroy();
  });
});
