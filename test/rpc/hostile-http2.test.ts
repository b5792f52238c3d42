/** Clients of HTTP/2 that mean harm: they are cut off, and a client beside them goes on. */
import { constants } from "node:http2";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { good_key } from "./fake-door.js";
import {
  ack,
  end_headers,
  end_stream,
  type Framed,
  frame,
  frame_types,
  headerBlock,
  openFrames,
  uint32,
} from "./frames.js";
import { type GrpcClient, openGrpcClient } from "./grpc-client.js";
import { openHttp2, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const watch = "/killcord.v1.SessionService/WatchSession";
const grpc = { "content-type": "application/grpc", "x-api-key": good_key };
const call = headerBlock({ ":method": "POST", ":path": get, ":scheme": "http", ":authority": "x", ...grpc });
const cancel = uint32(constants.NGHTTP2_CANCEL);

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

describe("rpc: hostile clients of HTTP/2", function () {
  this.timeout(30_000);
  let server: Running;
  let neighbour: GrpcClient;
  let attacker: Framed;
  const open = async (bounds: Parameters<typeof start>[0]) => {
    server = await start(bounds);
    neighbour = openGrpcClient(`127.0.0.1:${server.port}`, { "x-api-key": good_key });
    attacker = openFrames(server.port);
  };
  const close = async () => {
    attacker.socket.destroy();
    neighbour.close();
    await server.close();
  };
  beforeEach(() => open({}));
  afterEach(close);

  /** The neighbour calls for as long as the attack goes on; every call of it must be answered. */
  async function beside<T>(attack: Promise<T>): Promise<T> {
    let over = false;
    const done = attack.finally(() => {
      over = true;
    });
    let answered = 0;
    while (!over || answered < 20) {
      const { message } = await neighbour.unary(SessionService.method.getSession, { sessionId: "s" });
      expect(message?.session?.sessionId).to.equal("s");
      answered += 1;
    }
    return await done;
  }

  /** Sends bursts until the server has had enough; resolves to the code of its GOAWAY. */
  async function flood(bursts: number, burst: (index: number) => readonly Uint8Array[]) {
    for (let i = 0; i < bursts && !attacker.closed; i += 1) {
      await attacker.send(...burst(i));
    }
    return { code: await attacker.ended() };
  }

  it("streams that are reset as soon as they are opened: cut off, and few of them begin a call", async () => {
    const rapid = (burst: number) =>
      times(100, (k) => {
        const id = 2 * (100 * burst + k) + 1;
        return Buffer.concat([frame("headers", end_headers, id, call), frame("rst_stream", 0, id, cancel)]);
      });
    await beside(flood(1000, rapid));
    expect(attacker.closed).to.equal(true);
    const theirs = server.lines.filter(({ method, code }) => method === get && code === "canceled");
    expect(theirs.length).to.be.below(3000);
  });

  it("calls that are cancelled a moment after they came: cut off once there are too many", async () => {
    server.door.answer = (request) =>
      "sessionId" in request && request.sessionId === "s"
        ? Promise.resolve(server.door.calls[0]?.request as never)
        : new Promise(() => {});
    const whole = encodeEnvelope(0, new Uint8Array(0));
    const late = async () => {
      for (let burst = 0; burst < 100 && !attacker.closed; burst += 1) {
        const ids = times(50, (k) => 2 * (50 * burst + k) + 1);
        await attacker.send(
          ...ids.flatMap((id) => [
            frame("headers", end_headers, id, call),
            frame("data", end_stream, id, whole),
          ]),
        );
        await attacker.send(...ids.map((id) => frame("rst_stream", 0, id, cancel)));
      }
      return attacker.ended();
    };
    await late();
    expect(attacker.closed).to.equal(true);
    expect(server.door.calls.length).to.be.below(2000);
    expect(server.door.calls.every((each) => each.call.signal.aborted)).to.equal(true);
  });

  const floods: Readonly<Record<string, (burst: number) => readonly Uint8Array[]>> = {
    "headers without an end": (burst) =>
      burst === 0
        ? [frame("headers", 0, 1, call)]
        : times(100, (k) => frame("continuation", 0, 1, headerBlock({ [`x-${burst}-${k}`]: "y" }))),
    "empty continuations": (burst) =>
      burst === 0 ? [frame("headers", 0, 1, call)] : times(100, () => frame("continuation", 0, 1)),
    "settings to be acknowledged": () => times(2000, () => frame("settings", 0, 0)),
    "pings to be answered": () => times(2000, () => frame("ping", 0, 0, Buffer.alloc(8))),
    "empty pieces of a body": (burst) =>
      burst === 0 ? [frame("headers", end_headers, 1, call)] : times(2000, () => frame("data", 0, 1)),
  };
  for (const [name, burst] of Object.entries(floods)) {
    it(`a flood of ${name}: cut off`, async () => {
      await beside(flood(1000, burst));
      expect(attacker.closed).to.equal(true);
      expect(server.door.calls.every((each) => each.method.name === "GetSession")).to.equal(true);
    });
  }

  const violations: Readonly<Record<string, readonly Uint8Array[]>> = {
    "data of no stream": [frame("data", 0, 0, Buffer.alloc(3))],
    "a stream with an even number": [frame("headers", end_headers | end_stream, 2, call)],
    "a frame over its limit": [frame("data", 0, 1, Buffer.alloc(20_000))],
    "headers that no table explains": [frame("headers", end_headers, 1, Buffer.alloc(6, 0xff))],
    "a window of nothing": [frame("window_update", 0, 0, uint32(0))],
    "a window beyond all bounds": times(2, () => frame("window_update", 0, 0, uint32(0x7fffffff))),
    "a promise, which only servers make": [
      frame("push_promise", end_headers, 1, Buffer.concat([uint32(2), call])),
    ],
    "settings of an odd length": [frame("settings", 0, 0, Buffer.alloc(5))],
    "an acknowledgement with content": [frame("settings", ack, 0, Buffer.alloc(6))],
    "a ping of a wrong length": [frame("ping", 0, 0, Buffer.alloc(7))],
    "a continuation of nothing": [frame("continuation", end_headers, 1, call)],
    "another frame amid headers": [frame("headers", 0, 1, call), frame("ping", 0, 0, Buffer.alloc(8))],
  };
  for (const [name, frames] of Object.entries(violations)) {
    it(`${name}: the connection ends with an error, and no call begins`, async () => {
      await close();
      // Node tells the peer of some of these and leaves the connection: a ping that is not answered ends it.
      await open({ ping_ms: 300 });
      const code = await beside(attacker.send(...frames).then(() => attacker.ended()));
      expect(code).to.not.equal(0);
      expect(attacker.closed).to.equal(true);
    });
  }

  it("a request without a path is reset, and its connection goes on", async () => {
    const bare = headerBlock({ ":method": "GET", ":scheme": "http", ":authority": "x" });
    await attacker.send(frame("headers", end_headers | end_stream, 1, bare));
    const reset = await attacker.wanted(({ type }) => type === frame_types.rst_stream);
    expect(reset?.payload.readUInt32BE()).to.equal(constants.NGHTTP2_PROTOCOL_ERROR);
    const health = headerBlock({
      ":method": "GET",
      ":path": "/healthz",
      ":scheme": "http",
      ":authority": "x",
    });
    await attacker.send(frame("headers", end_headers | end_stream, 3, health));
    expect(await attacker.wanted(({ stream, type }) => stream === 3 && type === frame_types.data)).to.be.an(
      "object",
    );
  });

  it("more streams than are allowed are refused, and those before them go on", async () => {
    await attacker.send(...times(1100, (k) => frame("headers", end_headers, 2 * k + 1, call)));
    const refused = await beside(attacker.wanted(({ type }) => type === frame_types.rst_stream));
    expect(refused?.payload.readUInt32BE()).to.equal(constants.NGHTTP2_REFUSED_STREAM);
    expect(refused?.stream).to.equal(2 * 1024 + 1);
    await attacker.send(frame("data", end_stream, 1, encodeEnvelope(0, new Uint8Array(0))));
    expect(await attacker.wanted(({ stream, type }) => stream === 1 && type === frame_types.data)).to.be.an(
      "object",
    );
  });

  it("a body of a million single bytes is refused over its limit and costs little more than its size", async () => {
    await attacker.send(
      frame("headers", end_headers, 1, call),
      frame("data", 0, 1, Buffer.from([0, 0, 16, 0, 0])),
    );
    const before = process.memoryUsage().rss;
    const bytes = Buffer.concat(times(10_000, () => frame("data", 0, 1, Buffer.from([7]))));
    for (let i = 0; i < 20; i += 1) {
      await beside(attacker.send(bytes));
    }
    // Kept one by one they would take some 40 MB.
    expect(process.memoryUsage().rss - before).to.be.below(200 * 1024 * 1024);
    expect(
      server.door.calls.every((each) => (each.request as { sessionId?: string }).sessionId === "s"),
    ).to.equal(true);
  });

  for (const [name, encoding, bomb] of [
    ["gzip", "gzip", gzipSync(Buffer.alloc(64 * 1024 * 1024))],
    ["brotli", "br", brotliCompressSync(Buffer.alloc(64 * 1024 * 1024))],
  ] as const) {
    it(`a few bytes of ${name} that inflate to 64 MiB: refused on every path`, async () => {
      expect(bomb.length).to.be.below(100_000);
      const session = openHttp2(server.port);
      const before = server.door.calls.length;
      for (const path of [get, watch]) {
        const told = await beside(
          request2(session, { ":path": path, ...grpc, "grpc-encoding": encoding }, encodeEnvelope(1, bomb)),
        );
        const { "grpc-status": status } = { ...told.headers, ...told.trailers };
        expect(status).to.equal(String(Code.ResourceExhausted));
      }
      const unary = { ":path": get, "x-api-key": good_key, "content-type": "application/proto" };
      const told = await request2(session, { ...unary, "content-encoding": encoding }, bomb);
      expect(told.headers[":status"]).to.equal(429);
      expect(told.body.toString()).to.include("payload_too_large");
      session.destroy();
      const others = server.door.calls.slice(before);
      expect(others.every((each) => (each.request as { sessionId?: string }).sessionId === "s")).to.equal(
        true,
      );
    });
  }
});
