/** What a caller can make as long as it may be must not cost an agent its answer. */
import { expect } from "chai";
import { type Served, serve } from "./served.js";

describe("a stop with the longest reason", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  async function call(method: string, path: string, body?: unknown) {
    const reply = await fetch(server.url + path, {
      method,
      headers: { "x-api-key": server.admin_key },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  }

  it("is told to an agent that sends as much metadata as is kept", async () => {
    const { body: session } = await call("POST", "/v1/enforce/sessions/start", {});
    const reason = "\u{1f600}".repeat(1024);
    await call("POST", `/v1/enforce/sessions/${session.session_id}/kill`, { reason });
    const { status, body } = await call("POST", "/v1/enforce/intercept", {
      session_id: session.session_id,
      action_type: "read_file",
      metadata: { text: "x".repeat(32_000) },
    });
    expect(status, JSON.stringify(body.error)).to.equal(200);
    expect(body.decision).to.equal("terminate");
  });

  it("leaves lists that answer to a token nobody gave", async () => {
    await call("POST", "/v1/enforce/sessions/start", {});
    const { body } = await call("GET", "/v1/enforce/sessions?page_size=1");
    const place = Buffer.from(String(body.next_page_token), "base64url").toString();
    const token = Buffer.from(`${place.slice(0, 12)}}{`).toString("base64url");
    expect((await call("GET", `/v1/enforce/sessions?page_token=${token}`)).status).to.be.below(500);
  });
});
