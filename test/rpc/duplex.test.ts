import { constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { GetSessionRequestSchema, GetSessionResponseSchema } from "../../gen/killcord/v1/session_pb.js";
import { KillcordError } from "../../src/services/errors.js";
import { good_key } from "./fake-door.js";
import { ProbeService } from "./probe-service.js";
import { openHttp2, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const headers = { "x-api-key": good_key };
const talk = "/killcord.probe.ProbeService/Talk";

type Make = (baseUrl: string) => Transport;
const http2: Record<string, Make> = {
  "Connect, JSON": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  "Connect, binary": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect, gzip": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", sendCompression: compressionGzip }),
  "gRPC, binary": (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC, gzip": (baseUrl) => createGrpcTransport({ baseUrl, sendCompression: compressionGzip }),
  "gRPC, JSON": (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
};
/** Sends one message, waits until told, sends the next. */
function paced(...ids: readonly string[]) {
  const waiting: (() => void)[] = [];
  const go = () => waiting.shift()?.();
  async function* messages() {
    for (const sessionId of ids) {
      yield { sessionId };
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  return { messages: messages(), go };
}

async function* several(...ids: readonly string[]) {
  for (const sessionId of ids) {
    yield { sessionId };
  }
}

function sessionSaying(label: string) {
  return create(GetSessionResponseSchema, { session: { label } });
}

async function failure(of: Promise<unknown>): Promise<ConnectError> {
  const error = await of.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(ConnectError);
  return error as ConnectError;
}

function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}

describe("rpc: bidi calls", () => {
  let server: Running;
  let plain: Running["door"]["converse"];
  before(async () => {
    server = await start({
      request_body_bytes: 4096,
      request_ms: 100,
      headers_ms: 100,
      remains_ms: 20,
      blocked_reader_ms: 200,
    });
    plain = server.door.converse;
  });
  after(() => server.close());
  afterEach(() => {
    server.door.converse = plain;
  });

  for (const [name, make] of Object.entries(http2)) {
    it(`${name}: each message of a bidi call is answered before the next is sent`, async () => {
      const client = createClient(ProbeService, make(server.url));
      const { messages, go } = paced("s1", "s2", "s3");
      const heard: string[] = [];
      for await (const { session } of client.talk(messages, { headers })) {
        heard.push(session?.sessionId ?? "");
        go();
      }
      expect(heard).to.deep.equal(["s1", "s2", "s3"]);
    });

    it(`${name}: a message over the limit ends a bidi call with resource_exhausted`, async () => {
      const client = createClient(ProbeService, make(server.url));
      const heard: string[] = [];
      const listen = async () => {
        for await (const { session } of client.talk(several("s1", "x".repeat(5000), "s3"), { headers })) {
          heard.push(session?.sessionId ?? "");
        }
      };
      const error = await failure(listen());
      expect([error.code, reasonOf(error)]).to.deep.equal([Code.ResourceExhausted, "payload_too_large"]);
      expect(heard).to.deep.equal(["s1"]);
    });
  }

  async function* toRequests(sessionId: string) {
    yield create(GetSessionRequestSchema, { sessionId });
  }

  it("a bidi call over HTTP/1.1 is refused in words", async () => {
    const reply = await fetch(server.url + talk, {
      method: "POST",
      headers: { ...headers, "content-type": "application/connect+json" },
    });
    expect(reply.status).to.equal(505);
    expect(await reply.text()).to.contain("HTTP/2");
    expect(server.lines.map(({ code }) => code)).to.include("http2_required");
  });

  const bytes = (sessionId: string) =>
    toBinary(GetSessionRequestSchema, create(GetSessionRequestSchema, { sessionId }));
  const grpc = (path: string) => ({
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });

  it("a request that ends within a message is malformed, after what came whole before was answered", async () => {
    const session = openHttp2(server.port);
    const cut = encodeEnvelope(0, bytes("s2")).subarray(0, 6);
    const reply = await request2(session, grpc(talk), Buffer.concat([encodeEnvelope(0, bytes("s1")), cut]));
    expect(reply.trailers["grpc-status"]).to.equal(String(Code.InvalidArgument));
    expect(reply.body.includes("s1")).to.equal(true);
    session.destroy();
  });

  it("a message of the wrong bytes is told with our code, and not with what it held", async () => {
    const session = openHttp2(server.port);
    const reply = await request2(session, grpc(talk), encodeEnvelope(0, Buffer.from("transfer 5 to Eve")));
    expect(reply.headers["grpc-status"] ?? reply.trailers["grpc-status"]).to.equal(
      String(Code.InvalidArgument),
    );
    const message = String(reply.headers["grpc-message"] ?? reply.trailers["grpc-message"]);
    expect(message).to.contain("killcord.v1.GetSessionRequest").and.not.contain("Eve");
    session.destroy();
  });

  it("a message that is begun and not finished ends the call in time", async () => {
    const session = openHttp2(server.port);
    const begun = Buffer.concat([
      encodeEnvelope(0, bytes("s1")),
      encodeEnvelope(0, bytes("s2")).subarray(0, 7),
    ]);
    const reply = await request2(session, grpc(talk), begun, false);
    expect(reply.trailers["grpc-status"]).to.equal(String(Code.DeadlineExceeded));
    session.destroy();
  });

  it("what is not asked for is not read: the sender has to wait", async () => {
    let seen = 0;
    let go = () => {};
    const wait = new Promise<void>((resolve) => {
      go = resolve;
    });
    server.door.converse = async function* (requests) {
      for await (const _ of requests) {
        if (seen === 0) {
          yield* plain(toRequests("first"), server.door.calls[0]?.call as never);
          await wait;
        }
        seen += 1;
      }
    };
    const session = openHttp2(server.port);
    const stream = session.request({ ":method": "POST", ...grpc(talk) }, { endStream: false });
    await new Promise(
      (resolve) => stream.once("data", resolve) && stream.write(encodeEnvelope(0, bytes("s0"))),
    );
    const one = encodeEnvelope(0, bytes("x".repeat(4000)));
    const many = 200;
    for (let i = 0; i < many; i++) {
      stream.write(one);
    }
    // Pings go past what is held back: when some have come back, so has all that would be taken.
    for (let i = 0; i < 5; i++) {
      await new Promise<void>((resolve) => session.ping(() => resolve()));
    }
    expect(stream.writableLength).to.be.above((many * one.byteLength) / 2);
    go();
    stream.end();
    await new Promise((resolve) => stream.resume().once("close", resolve));
    expect(seen).to.equal(many + 1);
    session.destroy();
  });

  for (const [name, type] of [
    ["the short way", "application/grpc"],
    ["the library's way", "application/grpc-web+proto"],
  ] as const) {
    it(`a reader that takes nothing is cut off, by ${name}`, async () => {
      let said = 0;
      const left = new Promise<void>((resolve) => {
        server.door.converse = async function* () {
          try {
            for (;;) {
              said += 1;
              yield sessionSaying("x".repeat(4000));
            }
          } finally {
            resolve();
          }
        };
      });
      const session = openHttp2(server.port);
      const stream = session.request(
        { ":method": "POST", ...grpc(talk), "content-type": type },
        { endStream: false },
      );
      stream.on("error", () => {});
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.write(encodeEnvelope(0, bytes("s0")));
      await left;
      // The window of a stream, and what lies between the service and the socket.
      expect(said * 4000).to.be.below(512 * 1024);
      stream.resume();
      await closed;
      expect(stream.rstCode).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      session.destroy();
    });
  }

  it("a caller that goes away ends the service's side with canceled", async () => {
    let told: (error: unknown) => void = () => {};
    const ended = new Promise<unknown>((resolve) => {
      told = resolve;
    });
    server.door.converse = async function* (requests) {
      try {
        yield* plain(requests, server.door.calls[0]?.call as never);
      } catch (error) {
        told(error);
        throw error;
      }
    };
    const session = openHttp2(server.port);
    const stream = session.request({ ":method": "POST", ...grpc(talk) }, { endStream: false });
    stream.on("error", () => {});
    await new Promise(
      (resolve) => stream.once("data", resolve) && stream.write(encodeEnvelope(0, bytes("s0"))),
    );
    session.destroy();
    const error = await ended;
    expect(error).to.be.instanceOf(KillcordError);
    expect((error as KillcordError).code).to.equal("canceled");
  });
});
