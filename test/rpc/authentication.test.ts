import { Agent, request as httpRequest } from "node:http";
import { toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import { GetSessionRequestSchema, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { good_key } from "./fake-door.js";
import { openGrpcClient, statusOf } from "./grpc-client.js";
import { openHttp2, openRaw, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const unary = "/killcord.v1.SessionService/GetSession";
const watch = "/killcord.v1.SessionService/WatchSession";

/** How each protocol says that there is no key; none of these requests ever ends. */
const cases = [
  {
    name: "Connect unary",
    path: unary,
    type: "application/json",
    status: 401,
    says: /"code":"unauthenticated"/,
  },
  {
    name: "Connect unary, binary",
    path: unary,
    type: "application/proto",
    status: 401,
    says: /"code":"unauthenticated"/,
  },
  {
    name: "Connect stream",
    path: watch,
    type: "application/connect+json",
    status: 200,
    says: /"code":"unauthenticated"/,
  },
  { name: "gRPC unary", path: unary, type: "application/grpc", status: 200, grpc: true },
  { name: "gRPC stream", path: watch, type: "application/grpc+proto", status: 200, grpc: true },
  { name: "gRPC-Web unary", path: unary, type: "application/grpc-web+proto", status: 200, grpc: true },
  { name: "gRPC-Web stream", path: watch, type: "application/grpc-web+json", status: 200, grpc: true },
];

describe("rpc: the key is checked before the body is read", () => {
  let server: Running;
  before(async () => {
    server = await start({ remains_ms: 20 });
  });
  after(() => server.close());
  afterEach(() => {
    expect(server.door.calls).to.deep.equal([]);
  });

  for (const { name, path, type, status, says, grpc } of cases) {
    it(`${name}, HTTP/2: answers after half a body and keeps the connection`, async () => {
      const session = openHttp2(server.port);
      const headers = { ":path": path, "content-type": type, "content-length": "1000" };
      const reply = await request2(session, headers, Buffer.alloc(500), false);
      expect(reply.headers[":status"]).to.equal(status);
      expect(reply.reset).to.equal(0);
      expect(reply.headers["x-request-id"]).to.match(/^req_/);
      if (grpc) {
        expect(reply.headers["grpc-status"]).to.equal("16");
        expect(reply.headers["grpc-message"]).to.equal("no key: send X-API-Key");
        expect(reply.body).to.have.length(0);
      } else {
        expect(reply.body.toString())
          .to.match(says as RegExp)
          .and.include("missing_api_key");
      }
      const again = await request2(session, { ":path": path, "content-type": type }, Buffer.alloc(5));
      expect(again.headers[":status"]).to.equal(status);
      session.destroy();
    });

    it(`${name}, HTTP/1.1: answers after half a body, and the connection serves the next request`, async () => {
      const raw = await openRaw(server.port);
      raw.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n`);
      raw.write(Buffer.alloc(500));
      const text = await raw.until((each) => /\r\n\r\n/.test(each) && (grpc || /missing_api_key/.test(each)));
      expect(text).to.match(new RegExp(`^HTTP/1.1 ${status} `));
      if (grpc) {
        expect(text)
          .to.match(/grpc-status: 16\r\n/)
          .and.match(/grpc-message: no key: send X-API-Key\r\n/);
      } else {
        expect(text).to.match(says as RegExp);
      }
      raw.write(Buffer.alloc(500));
      raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      expect(await raw.until((each) => each.includes('{"ok":true}'))).to.include('{"ok":true}');
      raw.socket.destroy();
    });
  }

  it("grpc-js reads the refusal of a unary call and of a stream", async () => {
    const client = openGrpcClient(`127.0.0.1:${server.port}`, { "x-api-key": "wrong" });
    const { status } = await client.unary(SessionService.method.getSession, { sessionId: "s" });
    const stream = client.stream(SessionService.method.watchSession, { sessionId: "s" });
    const streamed = await statusOf(stream);
    client.close();
    for (const each of [status, streamed]) {
      expect(each.code).to.equal(Code.Unauthenticated);
      expect(each.details).to.equal("unknown key: send one that exists");
      expect(each.metadata.get("grpc-status-details-bin")).to.have.length(1);
    }
  });

  it("a client that asks first whether to send a body that is too long sends none of it", async () => {
    const raw = await openRaw(server.port);
    raw.write(`POST ${unary} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
    raw.write("Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n");
    const text = await raw.closed();
    expect(text).to.match(/^HTTP\/1.1 401 /);
  });

  it("a client that asks first whether to send a body of a good size is told to go on", async () => {
    const raw = await openRaw(server.port);
    raw.write(`POST ${unary} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
    raw.write("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect(await raw.until((text) => text.includes("401"))).to.match(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    raw.socket.destroy();
  });

  it("a method that is not there is answered without its body too", async () => {
    const session = openHttp2(server.port);
    const headers = { ":path": "/killcord.v1.SessionService/Nope", "content-type": "application/grpc" };
    const reply = await request2(session, headers, Buffer.alloc(100), false);
    session.destroy();
    expect(reply.headers["grpc-status"]).to.equal("12");
  });
});

describe("rpc: a kept-alive HTTP/1.1 connection after errors", () => {
  let server: Running;
  before(async () => {
    server = await start({ remains_ms: 20 });
  });
  after(() => server.close());

  it("goes on after every kind of refusal", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const proto = Buffer.from(
      toBinary(GetSessionRequestSchema, { $typeName: "killcord.v1.GetSessionRequest", sessionId: "s" }),
    );
    const steps = [
      { headers: {}, body: "{}", status: 401 },
      { headers: { "x-api-key": good_key }, body: "{nonsense", status: 400 },
      {
        headers: { "x-api-key": good_key, "content-type": "text/html" },
        body: "x".repeat(100_000),
        status: 415,
      },
      { headers: { "x-api-key": good_key }, body: "x".repeat(2_000_000), status: 429 },
      {
        headers: { "x-api-key": good_key, "content-type": "application/grpc" },
        body: encodeEnvelope(0, proto),
        status: 200,
      },
      { headers: { "x-api-key": good_key }, body: '{"sessionId":"s"}', status: 200 },
    ];
    const ports = new Set<number | undefined>();
    for (const { headers, body, status } of steps) {
      const options = {
        agent,
        method: "POST",
        path: unary,
        port: server.port,
        headers: { "content-type": "application/json", ...headers },
      };
      const answered = await new Promise<number | undefined>((resolve, reject) => {
        const call = httpRequest(options, (reply) => {
          ports.add(reply.socket.localPort);
          reply.resume().on("end", () => resolve(reply.statusCode));
        });
        call.on("error", reject);
        call.end(body);
      });
      expect(answered).to.equal(status);
    }
    expect(ports.size).to.equal(1);
    agent.destroy();
  });
});
