/** What a server writes to its log while everything is asked, well and badly: no secret and no text. */
import { toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { services } from "../../src/services/workspace.js";
import { operations, resolve } from "../openapi/document.js";
import { sampleOf } from "../openapi/sample.js";
import { openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { filled } from "./filled.js";
import { type Served, serve } from "./served.js";

/** Fits wherever a text is taken: as an id, a name, an action, a reason. */
const planted = "planted-text";
const planted_key = "kc_planted-secret";

describe("the log of a real server", () => {
  let server: Served;
  const secrets: string[] = [];
  before(async () => {
    server = await serve({ flags: ["--log-level", "trace"] });
    secrets.push(server.admin_key);
  });
  after(() => server.end());

  const methods = services.flatMap((service) => service.methods);

  for (const key of ["admin", planted_key]) {
    it(`holds nothing that was said over gRPC and Connect, as ${key}`, async () => {
      const secret = key === "admin" ? server.admin_key : key;
      const client = openGrpcClient(server.address, { "x-api-key": secret });
      for (const method of methods) {
        const request = filled(method.input, planted);
        const path = `${server.url}/${method.parent.typeName}/${method.name}`;
        if (method.methodKind === "unary") {
          await client.unary(method as never, request as never);
          const headers = { "content-type": "application/json", "x-api-key": secret };
          const body = JSON.stringify(toJson(method.input, request));
          note(await (await fetch(path, { method: "POST", headers, body })).text());
          // One that does not read as the message.
          await fetch(path, { method: "POST", headers, body: `{"${planted}": "${planted}"` });
        } else if (method.methodKind === "server_streaming") {
          const stream = client.stream(method as never, request as never);
          stream.resume();
          await statusOf(stream);
        }
      }
      client.close();
    });

    it(`holds nothing that was said over REST, as ${key}`, async () => {
      const secret = key === "admin" ? server.admin_key : key;
      const known = new Proxy({}, { get: (_, name) => (name === "action_type" ? "read" : planted) });
      for (const { path, method, operation } of operations) {
        const media = operation.requestBody?.content["application/json"];
        const filled_path = path.replace(/\{\w+\}/g, planted);
        const sample = media === undefined ? null : sampleOf(media.schema, resolve, known, true);
        const shortest = media === undefined ? null : sampleOf(media.schema, resolve, known, false);
        const lists = { capabilities: [planted], roles: ["auditor"], metadata: { [planted]: planted } };
        const bodies =
          sample === null ? [undefined] : [sample, shortest, { ...(sample as object), ...lists }, [planted]];
        for (const [body, query] of bodies.flatMap(
          (each) =>
            [
              [each, ""],
              [each, `?${planted}=${planted}`],
            ] as const,
        )) {
          const leave = new AbortController();
          const reply = await fetch(`${server.url}${filled_path}${query}`, {
            method,
            headers: { authorization: `Bearer ${secret}` },
            signal: leave.signal,
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          });
          note(reply.headers.get("content-type")?.includes("json") ? await reply.text() : "");
          leave.abort();
        }
        await fetch(`${server.url}${filled_path}`, { method, headers: { "x-api-key": secret } }).then(
          (reply) => reply.body?.cancel(),
        );
      }
      await fetch(`${server.url}/${planted}`, { headers: { "x-api-key": secret } });
    });
  }

  /** Remembers the secrets that a reply gave away, as it may. */
  function note(reply: string): void {
    secrets.push(...[...reply.matchAll(/"secret": ?"([^"]+)"/g)].map((match) => match[1] as string));
  }

  it("is a line an event, with the request id, method, code and latency of each call", async () => {
    await fetch(`${server.url}/v1/enforce/sessions`, { headers: { "x-request-id": "mine-1" } });
    await server.end();
    const lines = server
      .log()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const calls = lines.filter(({ door }) => door !== undefined);
    for (const line of calls) {
      expect(line.request_id).to.match(/^(req_[0-9a-f]{24}|mine-1)$/);
      expect(line.latency_ms).to.be.a("number");
      expect(line.code).to.be.a("string");
    }
    expect(calls.find(({ request_id }) => request_id === "mine-1")).to.include({
      door: "rest",
      method: "GET /v1/enforce/sessions",
      code: "missing_api_key",
    });
    const told = new Set(calls.map(({ method }) => method));
    for (const method of methods.filter(({ methodKind }) => methodKind === "unary")) {
      expect(told).to.include(`/${method.parent.typeName}/${method.name}`);
    }
    expect(new Set(calls.map(({ door }) => door))).to.deep.equal(new Set(["grpc", "connect", "rest"]));
    expect(secrets.length).to.be.above(1);
  });

  it("holds no secret and no text", () => {
    for (const text of [planted, planted_key, ...secrets]) {
      expect(server.log()).to.not.include(text);
    }
  });
});
