import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { GetSessionResponseSchema, SessionService } from "../../gen/killcord/v1/session_pb.js";
import type { Call } from "../../src/services/door.js";
import { deafWatch, good_key, sessionUpdate, waitingWatch } from "./fake-door.js";
import { openGrpcClient, statusOf } from "./grpc-client.js";
import { openHttp2, openRaw, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const watch = "/killcord.v1.SessionService/WatchSession";
const key = { "x-api-key": good_key };
const empty = encodeEnvelope(0, new Uint8Array(0));
const grpc = { ...key, "content-type": "application/grpc" };

/** A unary service that never answers; resolves when it is called. */
function silentAnswer(server: Running): Promise<Call> {
  return new Promise((resolve) => {
    server.door.answer = (_request, call) => {
      resolve(call);
      return new Promise(() => {});
    };
  });
}

function aborted(signal: AbortSignal): Promise<{ readonly code: string }> {
  return new Promise((resolve) => {
    const tell = () => resolve(signal.reason as { code: string });
    signal.addEventListener("abort", tell);
    if (signal.aborted) {
      tell();
    }
  });
}

describe("rpc: how long a call lives", () => {
  let server: Running;
  let session: ClientHttp2Session;
  beforeEach(async () => {
    server = await start({ call_ms: 300 });
    session = openHttp2(server.port);
  });
  afterEach(async () => {
    session.destroy();
    await server.close();
  });

  describe("deadlines", () => {
    it("the time that a gRPC caller gives ends its call and aborts the service", async () => {
      const called = silentAnswer(server);
      const reply = await request2(session, { ":path": get, ...grpc, "grpc-timeout": "50m" }, empty);
      expect(reply.trailers["grpc-status"]).to.equal(String(Code.DeadlineExceeded));
      expect(reply.trailers["grpc-message"]).to.include("within 50 ms");
      expect((await aborted((await called).signal)).code).to.equal("deadline_exceeded");
    });

    it("the time that a Connect caller gives ends its call", async () => {
      silentAnswer(server);
      const headers = { ...key, "content-type": "application/json", "connect-timeout-ms": "50" };
      const reply = await fetch(server.url + get, { method: "POST", headers, body: "{}" });
      expect(reply.status).to.equal(504);
      expect(await reply.json()).to.include({ code: "deadline_exceeded" });
    });

    it("a unary call without a time, or with a longer one, ends after the server's own", async () => {
      for (const time of [{}, { "grpc-timeout": "1H" }]) {
        silentAnswer(server);
        const reply = await request2(session, { ":path": get, ...grpc, ...time }, empty);
        expect(reply.trailers["grpc-status"]).to.equal(String(Code.DeadlineExceeded));
        expect(reply.trailers["grpc-message"]).to.include("within 300 ms");
      }
    });

    it("the time runs while the body is on its way", async () => {
      const headers = {
        ":path": get,
        ...key,
        "content-type": "application/json",
        "connect-timeout-ms": "50",
      };
      const reply = await request2(session, headers, Buffer.from('{"session_id"'), false);
      expect(reply.headers[":status"]).to.equal(504);
      expect(server.door.calls).to.deep.equal([]);
    });

    it("a stream ends at its caller's time, and its generator is returned", async () => {
      const { follow, ended } = waitingWatch();
      server.door.follow = follow;
      const reply = await request2(session, { ":path": watch, ...grpc, "grpc-timeout": "50m" }, empty);
      expect(reply.trailers["grpc-status"]).to.equal(String(Code.DeadlineExceeded));
      expect(reply.body.length).to.be.above(5);
      expect((await ended).signal.reason.code).to.equal("deadline_exceeded");
    });

    it("a stream ends at its caller's time though its service does not hear of it", async () => {
      const { follow, returned } = deafWatch();
      server.door.follow = follow;
      const reply = await request2(session, { ":path": watch, ...grpc, "grpc-timeout": "50m" }, empty);
      expect(reply.trailers["grpc-status"]).to.equal(String(Code.DeadlineExceeded));
      await returned;
    });

    it("a stream without a time outlives the time of unary calls; one with a huge time does not end at once", async () => {
      server.door.follow = async function* () {
        yield sessionUpdate("s", 1);
        await new Promise((resolve) => setTimeout(resolve, 400));
        yield sessionUpdate("s", 2);
      };
      for (const time of [{}, { "grpc-timeout": "99999999H" }]) {
        const reply = await request2(session, { ":path": watch, ...grpc, ...time }, empty);
        expect(reply.trailers["grpc-status"]).to.equal("0");
      }
    });
  });

  describe("a caller that goes away", () => {
    type Leave = (server: Running) => Promise<void>;
    const connectCall = (make: (url: string) => ReturnType<typeof createConnectTransport>): Leave => {
      return async ({ url }) => {
        const stop = new AbortController();
        const client = createClient(SessionService, make(url));
        const stream = client.watchSession({ sessionId: "s" }, { headers: key, signal: stop.signal });
        const messages = stream[Symbol.asyncIterator]();
        await messages.next();
        stop.abort();
        await messages.next().catch(() => {});
      };
    };
    const ways: Record<string, Leave> = {
      "cancels over Connect, HTTP/1.1": connectCall((baseUrl) =>
        createConnectTransport({ baseUrl, httpVersion: "1.1" }),
      ),
      "cancels over Connect, HTTP/2": connectCall((baseUrl) =>
        createConnectTransport({ baseUrl, httpVersion: "2" }),
      ),
      "cancels over gRPC": connectCall((baseUrl) => createGrpcTransport({ baseUrl })),
      "cancels over gRPC-Web, HTTP/1.1": connectCall((baseUrl) =>
        createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
      ),
      "cancels with grpc-js": async ({ port }) => {
        const client = openGrpcClient(`127.0.0.1:${port}`, key);
        const stream = client.stream(SessionService.method.watchSession, { sessionId: "s" });
        const status = statusOf(stream);
        await once(stream, "data");
        stream.cancel();
        expect((await status).code).to.equal(Code.Canceled);
        client.close();
      },
      "drops its HTTP/1.1 connection": async ({ port }) => {
        const raw = await openRaw(port);
        const headers = `Host: x\r\nX-API-Key: ${good_key}\r\nContent-Type: application/connect+json\r\n`;
        raw.write(`POST ${watch} HTTP/1.1\r\n${headers}Content-Length: 7\r\n\r\n`);
        raw.write(encodeEnvelope(0, Buffer.from("{}")));
        await raw.until((text) => text.includes("revision"));
        raw.socket.resetAndDestroy();
      },
      "closes its HTTP/1.1 connection": async ({ port }) => {
        const raw = await openRaw(port);
        const headers = `Host: x\r\nX-API-Key: ${good_key}\r\nContent-Type: application/connect+json\r\n`;
        raw.write(`POST ${watch} HTTP/1.1\r\n${headers}Content-Length: 7\r\n\r\n`);
        raw.write(encodeEnvelope(0, Buffer.from("{}")));
        await raw.until((text) => text.includes("revision"));
        raw.socket.end();
      },
      "drops its HTTP/2 connection": async ({ port }) => {
        const session = openHttp2(port);
        const stream = session.request({ ":method": "POST", ":path": watch, ...grpc });
        stream.on("error", () => {});
        stream.end(empty);
        await once(stream, "data");
        session.destroy();
      },
    };
    for (const [name, leave] of Object.entries(ways)) {
      it(`${name}: the signal aborts and the generator ends`, async () => {
        const { follow, ended } = waitingWatch();
        server.door.follow = follow;
        await leave(server);
        const { signal } = await ended;
        expect(signal.aborted).to.equal(true);
        expect(signal.reason.code).to.equal("canceled");
      });

      it(`${name}: a service that does not hear its signal is returned all the same`, async () => {
        const { follow, returned } = deafWatch();
        server.door.follow = follow;
        await leave(server);
        await returned;
      });
    }

    it("a unary call is aborted when its caller has gone", async () => {
      const called = silentAnswer(server);
      const stream = session.request({ ":method": "POST", ":path": get, ...grpc });
      stream.on("error", () => {});
      stream.end(empty);
      const call = await called;
      session.destroy();
      expect((await aborted(call.signal)).code).to.equal("canceled");
    });

    it("a stream that its service ends is not aborted, and is returned once", async () => {
      let returns = 0;
      server.door.follow = async function* () {
        try {
          yield sessionUpdate("s", 1);
        } finally {
          returns += 1;
        }
      };
      const reply = await request2(session, { ":path": watch, ...grpc }, empty);
      expect(reply.trailers["grpc-status"]).to.equal("0");
      expect(returns).to.equal(1);
      expect(server.door.calls[0]?.call.signal.aborted).to.equal(false);
    });
  });
});

describe("rpc: the server closes", () => {
  const streaming = {
    "Connect, HTTP/1.1": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
    "Connect, HTTP/2": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
    gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
    "gRPC-Web, HTTP/1.1": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  };
  for (const [name, make] of Object.entries(streaming)) {
    it(`${name}: a stream says its last words and ends as unavailable, well before the grace is over`, async () => {
      const server = await start();
      server.door.follow = async function* (_request, call) {
        yield sessionUpdate("s", 1);
        await aborted(call.signal);
        yield sessionUpdate("s", 2);
      };
      const client = createClient(SessionService, make(server.url));
      const messages = client.watchSession({ sessionId: "s" }, { headers: key })[Symbol.asyncIterator]();
      expect((await messages.next()).value.revision).to.equal(1n);
      const closed = server.close(60_000);
      expect((await messages.next()).value.revision).to.equal(2n);
      const error = await messages.next().then(
        () => null,
        (each: unknown) => ConnectError.from(each),
      );
      expect(error?.code).to.equal(Code.Unavailable);
      expect(error?.rawMessage).to.include("connect again");
      await closed;
    });
  }

  it("an HTTP/1.1 connection that would be kept alive ends after its stream", async () => {
    const server = await start();
    server.door.follow = waitingWatch().follow;
    const raw = await openRaw(server.port);
    raw.write(`POST ${watch} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\n`);
    raw.write("Content-Type: application/connect+json\r\nContent-Length: 7\r\n\r\n");
    raw.write(encodeEnvelope(0, Buffer.from("{}")));
    await raw.until((text) => text.includes("revision"));
    await server.close(60_000);
    // The end of a chunked body: the reply came whole.
    expect(await raw.closed()).to.match(/unavailable.*\r\n0\r\n\r\n$/s);
  });

  it("grpc-js hears unavailable", async () => {
    const server = await start();
    server.door.follow = waitingWatch().follow;
    const client = openGrpcClient(`127.0.0.1:${server.port}`, key);
    const stream = client.stream(SessionService.method.watchSession, { sessionId: "s" });
    const status = statusOf(stream);
    await once(stream, "data");
    await server.close(60_000);
    expect((await status).code).to.equal(Code.Unavailable);
    client.close();
  });

  it("a service that does not hear its signal is ended when the grace is over", async () => {
    const server = await start();
    const { follow, returned } = deafWatch();
    server.door.follow = follow;
    const client = openGrpcClient(`127.0.0.1:${server.port}`, key);
    const stream = client.stream(SessionService.method.watchSession, { sessionId: "s" });
    const status = statusOf(stream);
    await once(stream, "data");
    await server.close(50);
    await returned;
    expect((await status).code).not.to.equal(0);
    client.close();
  });

  it("unary calls under way are answered, on both versions of HTTP, and then the connections end", async () => {
    const server = await start();
    let arrived = 0;
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const both = new Promise<void>((resolve) => {
      server.door.answer = async () => {
        arrived += 1;
        if (arrived === 2) {
          resolve();
        }
        await gate;
        return create(GetSessionResponseSchema, { session: { sessionId: "late" } });
      };
    });
    const session = openHttp2(server.port);
    const goaway = once(session, "goaway");
    const over2 = request2(session, { ":path": get, ...grpc }, empty);
    const raw = await openRaw(server.port);
    raw.write(
      `POST ${get} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\nContent-Type: application/json\r\n`,
    );
    raw.write("Content-Length: 2\r\n\r\n{}");
    await both;
    const closed = server.close(60_000);
    await goaway;
    go();
    expect((await over2).trailers["grpc-status"]).to.equal("0");
    expect(await raw.closed())
      .to.include('{"session":{"sessionId":"late"}}')
      .and.include("onnection: close");
    await closed;
  });

  it("silent, idle and half-open connections do not hold it up", async () => {
    const server = await start();
    const silent = await openRaw(server.port);
    const half = await openRaw(server.port);
    half.write("POST / HTTP/1.1\r\nHost:");
    const idle = await openRaw(server.port);
    idle.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    await idle.until((text) => text.includes("true"));
    const session = openHttp2(server.port);
    await request2(session, { ":path": "/healthz", ":method": "GET" });
    await server.close(60_000);
    await Promise.all([silent.closed(), half.closed(), idle.closed()]);
    expect(await fetch(server.url).catch(() => "refused")).to.equal("refused");
  });
});
