import { expect } from "chai";
import { curl, type Served, serve } from "./served.js";

interface Stats {
  readonly since: string;
  readonly decisions: Readonly<Record<string, number>>;
  readonly agents: unknown;
  readonly sessions: unknown;
  readonly block_rate: number;
  readonly average_latency_ms: number;
}

interface Made {
  readonly session_id: string;
  readonly credential: { readonly secret: string };
}

describe("GET /v1/enforce/stats of a real server", () => {
  let server: Served;
  let credential: string;
  before(async () => {
    server = await serve();
    credential = (await post("agents", { name: "a1" })).credential.secret;
    await post("agents", { name: "a2" });
    await post("agents/a2/revoke", {});
    const first = (await post("sessions/start", { budgets: { max_actions: 1 } }, credential)).session_id;
    await post("intercept", { session_id: first, action_type: "read" }, credential);
    await post("intercept", { session_id: first, action_type: "read" }, credential);
    const other = (await post("sessions/start", { agent_id: "a3" })).session_id;
    await post("intercept", { session_id: other, action_type: "read" });
    await post("intercept", { action_type: "read" });
    const ended = (await post("sessions/start", { agent_id: "a3" })).session_id;
    await post(`sessions/${ended}/end`, {});
  });
  after(() => server.end());

  async function post(path: string, body: object, key = server.admin_key): Promise<Made> {
    const headers = { "x-api-key": key };
    const reply = await fetch(`${server.url}/v1/enforce/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    expect(reply.status, path).to.equal(200);
    return (await reply.json()) as Made;
  }

  async function stats(query = "", key = server.admin_key): Promise<Stats> {
    const reply = await fetch(`${server.url}/v1/enforce/stats${query}`, { headers: { "x-api-key": key } });
    return (await reply.json()) as Stats;
  }

  it("shows everything to an admin, over the last day, to the minute", async () => {
    const { since, average_latency_ms, ...figures } = await stats();
    expect(figures).to.deep.equal({
      ok: true,
      decisions: { total: 4, allow: 3, block: 0, escalate: 0, terminate: 1 },
      block_rate: 0,
      agents: { total: 3, active: 2 },
      sessions: { active: 1, paused: 0, killed: 1, expired: 0, ended: 1 },
    });
    expect(average_latency_ms).to.be.above(0);
    expect(since).to.match(/:00Z$/);
    const day_ms = 24 * 3600 * 1000;
    expect(Date.now() - Date.parse(since)).to.be.within(day_ms, day_ms + 120_000);
  });

  it("shows its own to an agent", async () => {
    const { decisions, agents, sessions } = await stats("", credential);
    expect(decisions).to.deep.equal({ total: 2, allow: 1, block: 0, escalate: 0, terminate: 1 });
    expect(agents).to.deep.equal({ total: 1, active: 1 });
    expect(sessions).to.deep.equal({ active: 0, paused: 0, killed: 1, expired: 0, ended: 0 });
  });

  it("counts from the time that is asked for", async () => {
    const { decisions, sessions } = await stats(`?since=${new Date(Date.now() + 3_600_000).toISOString()}`);
    expect(decisions.total).to.equal(0);
    expect(sessions).to.include({ active: 1, killed: 0, ended: 0 });
    expect((await stats("?since=1970-01-01T00:00:00Z")).decisions.total).to.equal(4);
  });

  it("goes on counting for a key that was rotated, and not for an agent that others only name", async () => {
    const ask = (path: string, body: object, key = server.admin_key) => curl(server, path, key, body);
    const { key, secret } = await ask("/v1/keys", { name: "unbound", roles: ["agent"] });
    const before = await stats("", credential);
    await post("intercept", { action_type: "read", agent_id: "a1" }, secret);
    const { secret: fresh } = await ask(`/v1/keys/${key.key_id}/rotate`, {});
    await post("intercept", { action_type: "read" }, fresh);
    for (const each of [secret, fresh]) {
      expect((await stats("", each)).decisions.total).to.equal(2);
    }
    expect((await stats("", credential)).decisions).to.deep.equal(before.decisions);
  });
});
