import { gzipSync } from "node:zlib";
import { create, type Message } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  type InterceptRequest,
  InterceptResponseSchema,
  Verdict,
} from "../../gen/killcord/v1/enforcement_pb.js";
import {
  type KillSessionRequest,
  SessionStatus,
  type StartSessionRequest,
  StartSessionResponseSchema,
} from "../../gen/killcord/v1/session_pb.js";
import { KillcordError } from "../../src/services/errors.js";
import { type Received, type Sent, versions } from "./client.js";
import { good_key, type Served, serve } from "./serve.js";

const key = { "X-API-Key": good_key };
const json_type = { "Content-Type": "application/json" };
const start = "/v1/enforce/sessions/start";

for (const [version, sendTo] of versions) {
  describe(`the REST handler over ${version}`, () => {
    let served: Served;
    const send = (sent: Sent): Promise<Received> =>
      sendTo(served, { ...sent, headers: { ...key, ...sent.headers } });
    const seen = <T extends Message>(): T => served.door.seen.at(-1)?.request as T;

    before(async () => {
      served = await serve();
    });
    after(() => served.close());
    beforeEach(() => {
      served.door.seen.length = 0;
      served.door.onCall = undefined;
    });

    it("calls the method of the route with the message of the request, at both mounts", async () => {
      for (const mount of ["", "/api"]) {
        const body = JSON.stringify({ agent_id: "loan-bot", budgets: { max_actions: 200 } });
        const reply = await send({ method: "POST", path: `${mount}${start}`, headers: json_type, body });
        expect(reply.status).to.equal(200);
        expect(served.door.seen.at(-1)?.method).to.equal("StartSession");
        expect(seen<StartSessionRequest>().agentId).to.equal("loan-bot");
        expect(seen<StartSessionRequest>().budgets?.maxActions).to.equal(200n);
      }
    });

    it("answers with ok first, the response's one field flattened, and the headers of every reply", async () => {
      served.door.onCall = async (_method, _request, call) => {
        call.reply_headers.set("idempotency-replayed", "true");
        return create(StartSessionResponseSchema, {
          session: { sessionId: "sess_1", status: SessionStatus.ACTIVE, budgets: { maxActions: 2n } },
        });
      };
      const reply = await send({ method: "POST", path: start, headers: { "X-Request-Id": "my-request:1" } });
      expect(reply.text).to.equal(
        '{"ok":true,"session_id":"sess_1","status":"active","budgets":{"max_actions":2,"on_exceeded":"terminate"}}',
      );
      expect(reply.headers).to.include({
        "content-type": "application/json; charset=utf-8",
        "cache-control": "no-store",
        "x-request-id": "my-request:1",
        "content-length": String(reply.text.length),
        "idempotency-replayed": "true",
      });
      expect(served.door.seen[0]?.request_id).to.equal("my-request:1");
    });

    it("makes a request id where the caller's is missing or not sane", async () => {
      for (const id of [undefined, "a b", "x".repeat(129), "ä", '"']) {
        const headers = id === undefined ? {} : { "X-Request-Id": Buffer.from(id).toString("latin1") };
        const reply = await send({ method: "POST", path: start, headers });
        expect(reply.headers["x-request-id"]).to.match(/^req_[0-9a-f]{24}$/);
      }
    });

    it("a verdict is never an error", async () => {
      served.door.onCall = async () =>
        create(InterceptResponseSchema, { decision: Verdict.TERMINATE, decisionId: "enf_1" });
      const body = '{"action_type":"a"}';
      const reply = await send({ method: "POST", path: "/v1/enforce/intercept", body });
      expect(reply.status).to.equal(200);
      expect(reply.json).to.deep.include({ ok: true, decision: "terminate", policies_evaluated: [] });
    });

    it("reads the body as JSON whatever its Content-Type", async () => {
      const types = ["application/x-www-form-urlencoded", "text/plain", "application/json", "nonsense"];
      for (const headers of [...types.map((type) => ({ "Content-Type": type })), {}]) {
        const path = "/v1/enforce/sessions/sess_1/kill";
        const reply = await send({ method: "POST", path, headers, body: '{"reason":"manual stop"}' });
        expect(reply.status).to.equal(200);
        expect(seen<KillSessionRequest>()).to.include({ sessionId: "sess_1", reason: "manual stop" });
      }
    });

    it("takes Idempotency-Key into the message", async () => {
      await send({ method: "POST", path: start, headers: { "Idempotency-Key": "k1" } });
      expect(seen<StartSessionRequest>().idempotencyKey).to.equal("k1");
      const reply = await send({ method: "POST", path: start, headers: { "Idempotency-Key": "a b" } });
      expect(reply.json.error?.code).to.equal("invalid_idempotency_key");
    });

    it("inflates gzip", async () => {
      const body = gzipSync('{"action_type":"a"}');
      const headers = { "Content-Encoding": "gzip" };
      expect((await send({ method: "POST", path: "/v1/enforce/intercept", headers, body })).status).to.equal(
        200,
      );
      expect(seen<InterceptRequest>().actionType).to.equal("a");
    });

    const refusals: [string, number, string, Sent][] = [
      ["no route", 404, "route_not_found", { path: "/v1/nope" }],
      ["a wrong method", 405, "method_not_allowed", { method: "DELETE", path: start }],
      ["OPTIONS", 405, "method_not_allowed", { method: "OPTIONS", path: start }],
      ["a malformed path", 400, "invalid_path", { path: "/v1/%g1" }],
      ["an unknown query key", 400, "unknown_parameter", { path: "/v1/enforce/sessions?limit=5" }],
      ["a query that is not UTF-8", 400, "invalid_query", { path: "/v1/enforce/sessions?agent_id=%ff" }],
      ["a body on a GET", 400, "unexpected_body", { path: "/v1/enforce/sessions", body: '{"a":1}' }],
      ["text that is not JSON", 400, "invalid_json", { method: "POST", path: start, body: "reason=x" }],
      [
        "bad UTF-8",
        400,
        "invalid_json",
        { method: "POST", path: start, body: Buffer.from('{"label":"\xff"}', "latin1") },
      ],
      [
        "the same key twice",
        400,
        "invalid_json",
        { method: "POST", path: start, body: '{"label":"a","label":"a"}' },
      ],
      [
        "a body 10,000 levels deep",
        400,
        "invalid_json",
        { method: "POST", path: start, body: "[".repeat(10_000) },
      ],
      [
        "metadata 100 levels deep",
        400,
        "invalid_argument",
        {
          method: "POST",
          path: "/v1/enforce/intercept",
          body: `{"metadata":{"a":${"[".repeat(99)}${"]".repeat(99)}}}`,
        },
      ],
      [
        "an unknown key in budgets",
        400,
        "unknown_field",
        { method: "POST", path: start, body: '{"budgets":{"max_action":1}}' },
      ],
      [
        "a budget beyond 2^53-1 as a number",
        400,
        "invalid_argument",
        { method: "POST", path: start, body: '{"budgets":{"max_actions":9007199254740993}}' },
      ],
      [
        "brotli",
        415,
        "unsupported_encoding",
        { method: "POST", path: start, headers: { "Content-Encoding": "br" }, body: "x" },
      ],
      [
        "gzip that is none",
        400,
        "invalid_json",
        { method: "POST", path: start, headers: { "Content-Encoding": "gzip" }, body: "x" },
      ],
      [
        "a gzip bomb",
        413,
        "payload_too_large",
        {
          method: "POST",
          path: start,
          headers: { "Content-Encoding": "gzip" },
          body: gzipSync(Buffer.alloc(50 * 1024 * 1024)),
        },
      ],
      ["no key", 401, "missing_api_key", { path: "/v1/enforce/sessions", headers: { "X-API-Key": "" } }],
      [
        "an unknown key",
        401,
        "invalid_api_key",
        { path: "/v1/enforce/sessions", headers: { "X-API-Key": "x" } },
      ],
      [
        "two different keys",
        401,
        "invalid_api_key",
        { path: "/v1/enforce/sessions", headers: { Authorization: "Bearer other" } },
      ],
      [
        "a key in a cookie and in the query",
        401,
        "missing_api_key",
        {
          path: `/v1/enforce/sessions?api_key=${good_key}`,
          headers: { "X-API-Key": "", Cookie: `api_key=${good_key}` },
        },
      ],
    ];
    for (const [what, status, code, sent] of refusals) {
      it(`${what} is ${status} ${code}, and nothing is called`, async () => {
        const reply = await send(sent);
        expect(reply.status).to.equal(status);
        expect(reply.json).to.deep.include({ ok: false });
        expect(reply.json.error).to.include({ code, request_id: reply.headers["x-request-id"] });
        expect(reply.headers["content-type"]).to.equal("application/json; charset=utf-8");
        expect(served.door.seen).to.have.length(0);
      });
    }

    it("a wrong method learns the right ones, and HEAD is one of the wrong", async () => {
      const reply = await send({ method: "PATCH", path: "/api/v1/enforce/agents" });
      expect(reply.headers.allow).to.equal("GET, POST");
      const head = await send({ method: "HEAD", path: "/v1/enforce/agents" });
      expect({ status: head.status, allow: head.headers.allow, text: head.text }).to.deep.equal({
        status: 405,
        allow: "GET, POST",
        text: "",
      });
    });

    it("answers a preflight without a word of CORS", async () => {
      const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
      const reply = await send({ method: "OPTIONS", path: start, headers });
      expect(reply.status).to.equal(405);
      expect(Object.keys(reply.headers).filter((name) => name.startsWith("access-control"))).to.deep.equal(
        [],
      );
    });

    it("a refusal of the services is told with its details and when to try again", async () => {
      served.door.onCall = async () => {
        throw new KillcordError("overloaded", "the queue is full", { retry_after_ms: 1500 });
      };
      const reply = await send({ method: "POST", path: start });
      expect(reply.status).to.equal(429);
      expect(reply.headers["retry-after"]).to.equal("2");
      expect(reply.json.error).to.include({ code: "overloaded", message: "the queue is full" });
      expect(served.faults).to.have.length(0);
    });

    it("a fault is logged with the request id, and its text stays here", async () => {
      const fault = new TypeError("secret of the driver");
      served.door.onCall = async () => {
        throw fault;
      };
      const reply = await send({ method: "POST", path: start });
      expect(reply.status).to.equal(500);
      expect(reply.text).to.not.match(/secret/);
      expect(reply.json.error).to.include({ code: "internal", message: "internal error" });
      const [line, ...more] = served.faults.splice(0);
      expect(line).to.deep.include({
        request_id: reply.headers["x-request-id"],
        code: "internal",
        err: fault,
      });
      expect(more).to.deep.equal([]);
    });

    it("each call leaves one line: who asked, for which route, with which code, and how long it took", async () => {
      const ask = async (method: string, path: string, headers = {}) => {
        served.lines.splice(0);
        const reply = await send({ method, path, headers: { "x-api-key": good_key, ...headers } });
        const [line, ...more] = served.lines;
        expect(more).to.deep.equal([]);
        expect(line?.request_id).to.equal(reply.headers["x-request-id"]);
        expect(line?.latency_ms).to.be.at.least(0);
        return [line?.door, line?.method, line?.code];
      };
      const get = "GET /v1/enforce/sessions/{session_id}";
      expect(await ask("GET", "/v1/enforce/sessions/s1")).to.deep.equal(["rest", get, "ok"]);
      expect(await ask("GET", "/v1/enforce/sessions/s1", { "x-api-key": "kc_other" })).to.deep.equal([
        "rest",
        get,
        "invalid_api_key",
      ]);
      expect(await ask("GET", "/v1/enforce/sessions/s1?x=1")).to.deep.equal([
        "rest",
        get,
        "unknown_parameter",
      ]);
      // A path that is none of ours is the caller's text: it may hold what nobody should read.
      expect(await ask("GET", "/v1/kc_secret")).to.deep.equal(["rest", null, "route_not_found"]);
      expect(await ask("PUT", "/v1/enforce/intercept")).to.deep.equal(["rest", null, "method_not_allowed"]);
    });

    it("a method without an http option has no route", async () => {
      for (const path of ["/v1/vault/export", "/killcord.v1.SessionService/StartSession"]) {
        expect((await send({ method: "POST", path })).status).to.equal(404);
      }
    });
  });
}
