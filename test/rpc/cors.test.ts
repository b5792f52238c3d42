import { expect } from "chai";
import { good_key } from "./fake-door.js";
import { type Running, start } from "./running.js";

const get = "/killcord.v1.SessionService/GetSession";
const rest = "/v1/enforce/sessions";
const page = "https://app.example.com";
const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" };

/** The headers of CORS on a reply, with Vary. */
function corsOf(reply: Response): Record<string, string> {
  return Object.fromEntries([...reply.headers].filter(([name]) => /^(access-control-|vary)/.test(name)));
}

describe("rpc: pages of other origins", () => {
  let server: Running;
  afterEach(() => server.close());

  const preflightTo = (path: string, origin: string) =>
    fetch(server.url + path, { method: "OPTIONS", headers: { origin, ...preflight } });
  const call = (origin: string, key = good_key) =>
    fetch(server.url + get, {
      method: "POST",
      headers: { origin, "x-api-key": key, "content-type": "application/json" },
      body: "{}",
    });

  it("get nothing by default: no header, and no preflight is answered", async () => {
    server = await start();
    expect(corsOf(await call(page))).to.deep.equal({});
    const refused = await preflightTo(get, page);
    expect(refused.status).to.equal(405);
    expect(corsOf(refused)).to.deep.equal({});
  });

  it("that are named may ask, with a key of their own and never with the browser's credentials", async () => {
    server = await start({}, { cors_origins: new Set([page, "http://127.0.0.1:3000"]) });
    for (const path of [get, rest, "/killcord.v1.SessionService/WatchSession", "/healthz"]) {
      const allowed = await preflightTo(path, page);
      expect(allowed.status).to.equal(204);
      const headers = corsOf(allowed);
      expect(headers["access-control-allow-origin"]).to.equal(page);
      expect(headers["access-control-allow-methods"]).to.equal("GET, POST, PUT, PATCH, DELETE");
      expect(headers["access-control-allow-headers"]?.split(", ")).to.include.members([
        "x-api-key",
        "authorization",
        "content-type",
        "idempotency-key",
        "x-grpc-web",
        "grpc-timeout",
        "connect-protocol-version",
        "connect-timeout-ms",
        "last-event-id",
      ]);
      expect(headers["access-control-max-age"]).to.equal("7200");
      expect(headers.vary).to.equal("Origin");
      expect(headers).not.to.have.property("access-control-allow-credentials");
    }
    expect(server.door.calls).to.deep.equal([]);
  });

  it("that are named may read replies and refusals, and what stands in their headers", async () => {
    server = await start({}, { cors_origins: new Set([page]) });
    for (const [reply, status] of [
      [await call(page), 200],
      [await call(page, "no"), 401],
      [await fetch(server.url + rest, { headers: { origin: page } }), 404],
    ] as const) {
      expect(reply.status).to.equal(status);
      const headers = corsOf(reply);
      expect(headers["access-control-allow-origin"]).to.equal(page);
      expect(headers["access-control-expose-headers"]?.split(", ")).to.include.members([
        "grpc-status",
        "grpc-message",
        "grpc-status-details-bin",
        "x-request-id",
        "idempotency-replayed",
        "retry-after",
      ]);
      expect(headers.vary).to.equal("Origin");
      expect(headers).not.to.have.property("access-control-allow-credentials");
    }
  });

  it("that only look like one that is named get nothing, and caches are told that it varies", async () => {
    server = await start({}, { cors_origins: new Set([page]) });
    for (const origin of [`${page}.evil.example`, "https://evil.example", "null", `${page}:8443`, "*"]) {
      const reply = await call(origin);
      expect(reply.status).to.equal(200);
      expect(corsOf(reply), origin).to.deep.equal({ vary: "Origin" });
      const refused = await preflightTo(get, origin);
      expect(refused.status).to.equal(405);
      expect(corsOf(refused)).to.deep.equal({ vary: "Origin" });
    }
  });
});
