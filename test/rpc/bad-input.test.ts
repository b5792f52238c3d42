import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../../src/limits.js";
import { good_key } from "./fake-door.js";
import { openGrpcClient, statusOf } from "./grpc-client.js";
import { openHttp2, openRaw, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const begin = "/killcord.v1.SessionService/StartSession";
const watch = "/killcord.v1.SessionService/WatchSession";
const secret = "transfer 5 to Eve";

describe("rpc: bad input", () => {
  let server: Running;
  before(async () => {
    server = await start({ remains_ms: 20 });
  });
  after(() => server.close());
  afterEach(() => {
    expect(server.door.calls).to.deep.equal([]);
  });

  const post = async (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) => {
    const reply = await fetch(server.url + path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "x-api-key": good_key, ...headers },
    });
    const json = (await reply.json()) as {
      code: string;
      message: string;
      details: { debug: { reason: string } }[];
    };
    return {
      status: reply.status,
      code: json.code,
      message: json.message,
      reason: json.details[0]?.debug.reason,
    };
  };

  describe("Connect, unary", () => {
    const wrong: { name: string; path: string; body: string | Uint8Array; reason: string; says: string }[] = [
      {
        name: "no JSON",
        path: get,
        body: `{"session_id": ${secret}`,
        reason: "invalid_json",
        says: "no JSON that reads as",
      },
      { name: "nothing", path: get, body: "", reason: "invalid_json", says: "killcord.v1.GetSessionRequest" },
      { name: "an array", path: get, body: "[]", reason: "invalid_json", says: "JSON object" },
      {
        name: "a wrong type",
        path: get,
        body: '{"session_id": 5}',
        reason: "invalid_argument",
        says: "GetSessionRequest.session_id: wrong type",
      },
      {
        name: "a key twice",
        path: get,
        body: '{"session_id":"a","session_id":"b"}',
        reason: "invalid_json",
        says: "no JSON",
      },
      {
        name: "an unknown field",
        path: get,
        body: `{"nope": "${secret}"}`,
        reason: "unknown_field",
        says: "GetSessionRequest has no field nope",
      },
      {
        name: "a mistyped limit",
        path: begin,
        body: '{"agent_id":"a","budgets":{"max_action":5}}',
        reason: "unknown_field",
        says: "Budgets has no field max_action",
      },
      {
        name: "a limit that is no number",
        path: begin,
        body: `{"budgets":{"max_actions":"${secret}"}}`,
        reason: "invalid_argument",
        says: "Budgets.max_actions",
      },
      {
        name: "a huge limit",
        path: begin,
        body: '{"budgets":{"max_actions":"99999999999999999999"}}',
        reason: "invalid_argument",
        says: "Budgets.max_actions",
      },
      {
        name: "an unknown enum name",
        path: begin,
        body: '{"budgets":{"on_exceeded":"EXPLODE"}}',
        reason: "invalid_argument",
        says: "killcord.v1.OnExceeded",
      },
      {
        name: "bytes that are no UTF-8",
        path: get,
        body: Buffer.from('{"session_id":"\xff"}', "latin1"),
        reason: "invalid_json",
        says: "UTF-8",
      },
      {
        name: "arrays in arrays",
        path: get,
        body: "[".repeat(1_000_000),
        reason: "invalid_json",
        says: "no JSON",
      },
      {
        name: "objects in objects",
        path: get,
        body: `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
        reason: "unknown_field",
        says: "no field a",
      },
      {
        name: "deep metadata",
        path: "/killcord.v1.EnforcementService/Intercept",
        body: `{"metadata":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`,
        reason: "invalid_argument",
        says: "nested too deeply",
      },
    ];
    for (const { name, path, body, reason, says } of wrong) {
      it(`${name}: 400 ${reason}`, async () => {
        const told = await post(path, body);
        expect(told).to.include({ status: 400, code: "invalid_argument", reason });
        expect(told.message).to.include(says).and.not.include(secret);
      });
    }

    it("bytes that are no protobuf: 400", async () => {
      for (const body of [Buffer.from([10, 200, 1]), Buffer.from([10, 2, 0xff, 0xfe]), Buffer.from([7])]) {
        const told = await post(get, body, { "content-type": "application/proto" });
        expect(told).to.include({ status: 400, code: "invalid_argument", reason: "invalid_argument" });
        expect(told.message).to.include("killcord.v1.GetSessionRequest");
      }
    });

    it("bytes that are no gzip: 400", async () => {
      const told = await post(get, "{}", { "content-encoding": "gzip" });
      expect(told).to.include({ status: 400, code: "invalid_argument" });
    });

    it("a small body that inflates to 100 MB: refused", async () => {
      const bomb = gzipSync(Buffer.alloc(100_000_000, 0x20));
      expect(bomb.length).to.be.below(limits.request_body_bytes);
      const told = await post(get, bomb, { "content-encoding": "gzip" });
      expect(told).to.include({ code: "resource_exhausted", reason: "payload_too_large" });
    });

    it("10 MB: refused, announced or not, on both versions of HTTP", async () => {
      const big = Buffer.alloc(10_000_000, 0x20);
      const told = await post(get, big);
      expect(told).to.include({ code: "resource_exhausted", reason: "payload_too_large" });
      expect(told.message).to.include(String(limits.request_body_bytes));

      const raw = await openRaw(server.port);
      raw.write(
        `POST ${get} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\nContent-Type: application/json\r\n`,
      );
      raw.write(`Transfer-Encoding: chunked\r\n\r\n${big.length.toString(16)}\r\n`);
      raw.write(big);
      expect(await raw.until((text) => text.includes("payload_too_large"))).to.match(/^HTTP\/1.1 429 /);
      raw.write("\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      expect(await raw.until((text) => text.includes('{"ok":true}'))).to.include('{"ok":true}');
      raw.socket.destroy();

      const session = openHttp2(server.port);
      const headers = { ":path": get, "content-type": "application/json", "x-api-key": good_key };
      const reply = await request2(session, headers, big);
      expect(reply.body.toString()).to.include("payload_too_large");
      const announced = await request2(
        session,
        { ...headers, "content-length": "10000000" },
        big.subarray(0, 9),
        false,
      );
      expect(announced.body.toString()).to.include("payload_too_large");
      session.destroy();
    });
  });

  describe("gRPC", () => {
    const headers = { "content-type": "application/grpc", "x-api-key": good_key };
    const call = async (path: string, body: Uint8Array, more: Record<string, string> = {}) => {
      const session = openHttp2(server.port);
      const reply = await request2(session, { ":path": path, ...headers, ...more }, body);
      session.destroy();
      return { ...reply.headers, ...reply.trailers } as Record<string, string>;
    };

    for (const path of [get, watch]) {
      it(`${path}: bytes that are no message, no frame, or two messages are refused`, async () => {
        const bad = await call(path, encodeEnvelope(0, new Uint8Array([10, 200, 1])));
        expect(bad["grpc-status"]).to.equal(String(Code.InvalidArgument));
        expect(bad["grpc-message"]).to.include("does not read as killcord.v1.");
        const torn = await call(path, encodeEnvelope(0, new Uint8Array(10)).subarray(0, 8));
        expect(torn["grpc-status"]).to.equal(String(Code.InvalidArgument));
        expect(torn["grpc-message"]).to.include("framed");
        const empty = await call(path, new Uint8Array(0));
        expect(empty["grpc-status"]).to.equal(String(Code.Unimplemented));
        const two = await call(
          path,
          Buffer.concat([encodeEnvelope(0, new Uint8Array(0)), encodeEnvelope(0, new Uint8Array(0))]),
        );
        expect(two["grpc-status"]).to.equal(String(Code.Unimplemented));
        const squeezed = await call(path, encodeEnvelope(1, gzipSync(Buffer.alloc(50_000_000))), {
          "grpc-encoding": "gzip",
        });
        expect(squeezed["grpc-status"]).to.equal(String(Code.ResourceExhausted));
        for (const each of [bad, torn, empty, two, squeezed]) {
          expect(each["grpc-status-details-bin"]).to.be.a("string");
        }
      });
    }

    it("a message of 10 MB is refused on a unary call and on a stream, and the connection goes on", async () => {
      const client = openGrpcClient(`127.0.0.1:${server.port}`, { "x-api-key": good_key });
      const label = "x".repeat(10_000_000);
      const { status } = await client.unary(SessionService.method.startSession, { label });
      expect(status.code).to.equal(Code.ResourceExhausted);
      const streamed = client.stream(SessionService.method.watchSession, { sessionId: label });
      expect((await statusOf(streamed)).code).to.equal(Code.ResourceExhausted);
      const unkeyed = await client.unary(
        SessionService.method.getSession,
        {},
        { headers: { "x-api-key": "no" } },
      );
      expect(unkeyed.status.code).to.equal(Code.Unauthenticated);
      client.close();
    });

    it("a time that can't be read is refused", async () => {
      const told = await call(get, encodeEnvelope(0, new Uint8Array(0)), { "grpc-timeout": "soon" });
      expect(told["grpc-status"]).to.equal(String(Code.InvalidArgument));
    });
  });

  it("Connect streams: a wrong message ends the stream with its refusal", async () => {
    for (const [body, reason] of [
      [encodeEnvelope(0, Buffer.from("{nonsense")), "invalid_json"],
      [encodeEnvelope(0, Buffer.alloc(2_000_000)), "payload_too_large"],
    ] as const) {
      const session = openHttp2(server.port);
      const headers = { ":path": watch, "content-type": "application/connect+json", "x-api-key": good_key };
      const reply = await request2(session, headers, body);
      session.destroy();
      expect(reply.headers[":status"]).to.equal(200);
      expect(reply.body[0]).to.equal(2);
      expect(reply.body.subarray(5).toString()).to.include(reason);
    }
  });

  it("gRPC-Web: a wrong message is refused", async () => {
    const session = openHttp2(server.port);
    const headers = { ":path": get, "content-type": "application/grpc-web+proto", "x-api-key": good_key };
    const reply = await request2(session, headers, encodeEnvelope(0, new Uint8Array([10, 200, 1])));
    session.destroy();
    expect(reply.headers["grpc-status"]).to.equal("3");
  });
});
