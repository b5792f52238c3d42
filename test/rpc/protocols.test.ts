import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { GetSessionResponseSchema, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { KillcordError } from "../../src/services/errors.js";
import { good_key, sessionUpdate } from "./fake-door.js";
import { type GrpcClient, openGrpcClient, statusOf } from "./grpc-client.js";
import { type Running, start } from "./running.js";

const key = { "x-api-key": good_key };

type Make = (baseUrl: string) => Transport;
const transports: Record<string, Make> = {
  "Connect, JSON, HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, binary, HTTP/1.1": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect, JSON, HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  "Connect, binary, HTTP/2": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect GET, HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
  "gRPC, binary": (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC, JSON": (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  "gRPC-Web, HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-Web, HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
};

describe("rpc: one port, every protocol", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.close());
  beforeEach(() => {
    server.door.calls.length = 0;
  });

  for (const [name, make] of Object.entries(transports)) {
    describe(name, () => {
      it("calls a unary method with its message, its principal and its request id", async () => {
        let id: string | null = null;
        const client = createClient(SessionService, make(server.url));
        const reply = await client.getSession(
          { sessionId: "sess_1" },
          {
            headers: { ...key, "x-request-id": "mine-1" },
            onHeader: (headers) => {
              id = headers.get("x-request-id");
            },
          },
        );
        expect(reply.session?.sessionId).to.equal("sess_1");
        expect(id).to.equal("mine-1");
        expect(server.door.calls).to.have.length(1);
        expect(server.door.calls[0]?.call.principal.key_id).to.equal("key_test");
        expect(server.door.calls[0]?.call.request_id).to.equal("mine-1");
      });

      it("streams messages in order and ends", async () => {
        const follow = server.door.follow;
        server.door.follow = async function* () {
          for (let revision = 1; revision <= 20; revision += 1) {
            yield sessionUpdate("sess_1", revision);
          }
        };
        const client = createClient(SessionService, make(server.url));
        const revisions: number[] = [];
        for await (const message of client.watchSession({ sessionId: "sess_1" }, { headers: key })) {
          revisions.push(Number(message.revision));
        }
        server.door.follow = follow;
        expect(revisions).to.deep.equal(Array.from({ length: 20 }, (_, index) => index + 1));
      });

      it("tells a refusal with its code, its reason, its fields and its time to retry", async () => {
        const answer = server.door.answer;
        server.door.answer = async () => {
          throw new KillcordError("overloaded", "too much: wait", {
            details: [{ field: "budgets.max_actions", issue: "too big" }],
            retry_after_ms: 1500,
          });
        };
        const client = createClient(SessionService, make(server.url));
        const error = await refusal(client.getSession({ sessionId: "x" }, { headers: key }));
        server.door.answer = answer;
        expect(error.code).to.equal(Code.ResourceExhausted);
        expect(error.rawMessage).to.equal("too much: wait");
        expect(error.metadata.get("x-request-id")).to.match(/^req_[0-9a-f]{24}$/);
        const [info] = error.findDetails(ErrorInfoSchema);
        expect(info?.reason).to.equal("overloaded");
        expect(info?.domain).to.equal("killcord");
        const [retry] = error.findDetails(RetryInfoSchema);
        expect(retry?.retryDelay).to.include({ seconds: 1n, nanos: 500_000_000 });
        const [bad] = error.findDetails(BadRequestSchema);
        expect(bad?.fieldViolations[0]).to.include({ field: "budgets.max_actions", description: "too big" });
      });

      it("tells a fault without its details, and logs these with the request id", async () => {
        const answer = server.door.answer;
        server.door.answer = async () => {
          throw new TypeError("secret of the implementation");
        };
        const client = createClient(SessionService, make(server.url));
        const headers = { ...key, "x-request-id": "fault-1" };
        const error = await refusal(client.getSession({ sessionId: "x" }, { headers }));
        server.door.answer = answer;
        expect(error.code).to.equal(Code.Internal);
        expect(error.message).not.to.include("secret");
        expect(error.findDetails(ErrorInfoSchema)[0]?.reason).to.equal("internal");
        const line = server.lines.findLast((each) => each.request_id === "fault-1");
        expect(JSON.stringify(line)).to.include("secret of the implementation");
      });

      it("tells an error after messages of a stream", async () => {
        const follow = server.door.follow;
        server.door.follow = async function* () {
          yield sessionUpdate("sess_1", 1);
          throw new KillcordError("data_loss", "the log is behind the token");
        };
        const client = createClient(SessionService, make(server.url));
        let messages = 0;
        const all = async () => {
          for await (const _ of client.watchSession({ sessionId: "sess_1" }, { headers: key })) {
            messages += 1;
          }
        };
        const error = await refusal(all());
        server.door.follow = follow;
        expect(messages).to.equal(1);
        expect(error.code).to.equal(Code.DataLoss);
        expect(error.findDetails(ErrorInfoSchema)[0]?.reason).to.equal("data_loss");
      });
    });
  }

  describe("grpc-js", () => {
    let client: GrpcClient;
    before(() => {
      client = openGrpcClient(`127.0.0.1:${server.port}`, key);
    });
    after(() => client.close());

    it("calls a unary method", async () => {
      const { message, status, headers } = await client.unary(
        SessionService.method.getSession,
        { sessionId: "sess_9" },
        { headers: { "x-request-id": "grpc-1" } },
      );
      expect(status.code).to.equal(0);
      expect(message?.session?.sessionId).to.equal("sess_9");
      expect(headers.get("x-request-id")).to.deep.equal(["grpc-1"]);
    });

    it("watches a stream", async () => {
      const stream = client.stream(SessionService.method.watchSession, { sessionId: "sess_9" });
      const status = statusOf(stream);
      const ids: unknown[] = [];
      for await (const message of stream) {
        ids.push(message.update.value.sessionId);
      }
      expect(ids).to.deep.equal(["sess_9"]);
      expect((await status).code).to.equal(0);
    });

    it("makes 1,000 calls at once over one connection", async () => {
      const ids = Array.from({ length: 1000 }, (_, index) => `sess_${index}`);
      const results = await Promise.all(
        ids.map((sessionId) => client.unary(SessionService.method.getSession, { sessionId })),
      );
      expect(results.map(({ message }) => message?.session?.sessionId)).to.deep.equal(ids);
    }).timeout(20_000);

    it("reads the message of a refusal as it was written, early and late", async () => {
      const text = "50% of a + b = c; d, e: f/g? \u00e9\n\u{1F6D1}";
      const { answer, follow } = server.door;
      server.door.answer = async () => {
        throw new KillcordError("unavailable", text);
      };
      server.door.follow = async function* () {
        yield sessionUpdate("sess_1", 1);
        throw new KillcordError("unavailable", text);
      };
      const { status } = await client.unary(SessionService.method.getSession, {});
      const stream = client.stream(SessionService.method.watchSession, {});
      const ended = statusOf(stream);
      stream.resume();
      expect((await ended).details).to.equal(text);
      expect(status.details).to.equal(text);
      Object.assign(server.door, { answer, follow });
    });

    it("learns that a method is not there", async () => {
      const unknown = { ...SessionService.method.getSession, name: "Undo" };
      const { status } = await client.unary(unknown, {});
      expect(status.code).to.equal(Code.Unimplemented);
      expect(status.details).to.include("/killcord.v1.SessionService/Undo");
    });
  });

  describe("curl and plain requests", () => {
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      fetch(server.url + path, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", ...key, ...headers },
      });

    it("answers curl", async () => {
      const path = "/killcord.v1.SessionService/GetSession";
      const { stdout } = await promisify(execFile)("curl", [
        ...["-sS", "-H", "Content-Type: application/json", "-H", `X-API-Key: ${good_key}`],
        ...["-d", '{"session_id":"sess_c"}', server.url + path],
      ]);
      expect(JSON.parse(stdout)).to.deep.equal({ session: { sessionId: "sess_c" } });
    });

    it("puts headers of the service on the reply, also on an error", async () => {
      const answer = server.door.answer;
      server.door.answer = async (_request, call) => {
        call.reply_headers.set("x-killcord-test", "1");
        return create(GetSessionResponseSchema);
      };
      const good = await post("/killcord.v1.SessionService/GetSession", "{}");
      server.door.answer = async (_request, call) => {
        call.reply_headers.set("x-killcord-test", "2");
        throw new KillcordError("session_not_found", "none");
      };
      const bad = await post("/killcord.v1.SessionService/GetSession", "{}");
      server.door.answer = answer;
      expect(good.headers.get("x-killcord-test")).to.equal("1");
      expect(bad.status).to.equal(404);
      expect(bad.headers.get("x-killcord-test")).to.equal("2");
    });

    it("makes a request id when the caller's is not sane", async () => {
      for (const given of ["a b", "x".repeat(129), "<script>"]) {
        const reply = await post("/killcord.v1.SessionService/GetSession", "{}", { "x-request-id": given });
        expect(reply.headers.get("x-request-id")).to.match(/^req_[0-9a-f]{24}$/);
      }
    });

    it("refuses another HTTP method and says which there are", async () => {
      const put = await fetch(`${server.url}/killcord.v1.SessionService/GetSession`, {
        method: "PUT",
        headers: key,
      });
      expect(put.status).to.equal(405);
      expect(put.headers.get("allow")).to.equal("POST, GET");
      const get = await fetch(
        `${server.url}/killcord.v1.SessionService/KillSession?encoding=json&message={}`,
        {
          headers: key,
        },
      );
      expect(get.status).to.equal(405);
      expect(get.headers.get("allow")).to.equal("POST");
      expect(await get.text()).to.match(/^this method is called by POST, not by GET/);
      expect(server.door.calls).to.deep.equal([]);
    });

    it("refuses a content type that no protocol has", async () => {
      for (const type of [
        "text/plain",
        "application/connect+json",
        "application/grpc-web-text",
        "application/grpcx",
      ]) {
        const reply = await post("/killcord.v1.SessionService/GetSession", "{}", { "content-type": type });
        expect(reply.status, type).to.equal(415);
        expect(reply.headers.get("content-type")).to.equal("text/plain; charset=utf-8");
        expect(await reply.text())
          .to.include(type)
          .and.include("application/json");
      }
      expect(server.door.calls).to.deep.equal([]);
    });

    it("answers 404 and unimplemented for a method that is not there", async () => {
      const reply = await post("/killcord.v9.NoService/Do", "{}");
      expect(reply.status).to.equal(404);
      expect(await reply.json()).to.include({ code: "unimplemented" });
    });

    it("leaves every other path to REST", async () => {
      for (const path of ["/v1/enforce/sessions", "/", "/killcord.v1.SessionService", "/healthz/x"]) {
        const reply = await fetch(server.url + path);
        expect(await reply.text()).to.equal(`rest ${path}`);
      }
    });

    it("does not answer an encoding that it does not know with the body", async () => {
      const headers = { "content-encoding": "zstd" };
      const reply = await post("/killcord.v1.SessionService/GetSession", "{}", headers);
      expect(reply.status).to.equal(501);
      const { code, details } = (await reply.json()) as { code: string; details: { debug: unknown }[] };
      expect(code).to.equal("unimplemented");
      expect(details[0]?.debug).to.deep.equal({ reason: "unsupported_encoding", domain: "killcord" });
      expect(reply.headers.get("accept-encoding")).to.equal("gzip,br");
    });
  });
});

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    expect(error).to.be.instanceOf(ConnectError);
    return error as ConnectError;
  }
  throw new Error("the call was answered");
}
