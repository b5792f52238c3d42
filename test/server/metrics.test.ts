import { expect } from "chai";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { command, type Served, serve } from "./served.js";

describe("/metrics of a real server", () => {
  let server: Served;
  before(async () => {
    server = await serve({ env: { KILLCORD_METRICS_LISTEN: "127.0.0.1:0" } });
  });
  after(() => server.end());

  async function call(method: string, path: string, key: string | null = server.admin_key, body?: object) {
    const headers: Record<string, string> = key === null ? {} : { "x-api-key": key };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const reply = await fetch(server.url + path, { method, headers, ...sent });
    return { status: reply.status, text: await reply.text() };
  }

  /** Every sample, by its name with its labels. */
  async function figures(): Promise<ReadonlyMap<string, number>> {
    const { text } = await call("GET", "/metrics");
    return new Map(
      text
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  }

  it("counts decisions, stops, refusals and writes, and measures what is open", async () => {
    const made = await call("POST", "/v1/enforce/sessions/start", undefined, { agent_id: "secret-bot" });
    const { session_id } = JSON.parse(made.text);
    await call("POST", "/v1/enforce/sessions/start", undefined, {});
    const client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    const watch = client.stream(SessionService.method.watchSession, { sessionId: session_id });
    const ended = statusOf(watch);
    await new Promise((resolve) => watch.once("data", resolve));
    const events = await fetch(`${server.url}/v1/vault/entries:watch`, {
      headers: { "x-api-key": server.admin_key },
    });
    const open = await figures();
    expect([open.get("killcord_streams"), open.get("killcord_watchers")]).to.deep.equal([2, 2]);
    await events.body?.cancel();

    const action = { sessionId: session_id, actionType: "read" };
    await client.unary(EnforcementService.method.intercept, action);
    await client.unary(SessionService.method.killSession, { sessionId: session_id });
    await client.unary(EnforcementService.method.intercept, action);
    await client.unary(EnforcementService.method.intercept, { ...action, sessionId: "none" });
    const held = await client.unary(SessionService.method.startSession, {});
    await client.unary(SessionService.method.pauseSession, {
      sessionId: held.message?.session?.sessionId ?? "",
    });
    await call("GET", "/v1/enforce/sessions", "kc_wrong");
    await call("GET", "/v1/enforce/nothing");
    await ended;
    client.close();

    const now = await figures();
    expect(Object.fromEntries([...now].filter(([name]) => name in expected))).to.deep.equal(expected);
    for (const name of [
      "killcord_log_entries",
      "killcord_connections",
      "killcord_process_resident_memory_bytes",
    ]) {
      expect(now.get(name), name).to.be.above(0);
    }
    // All but the first, which begins the log.
    expect(now.get("killcord_write_entries_sum")).to.equal((now.get("killcord_log_entries") ?? 0) - 1);
    expect(now.get("killcord_write_duration_seconds_count")).to.equal(
      now.get("killcord_write_entries_count"),
    );
    // An id in a label would make a time series of each session.
    expect([...now.keys()].join("\n")).to.not.match(/sess_|cred_|key_|enf_|secret-bot/);
    expect([...now.keys()].filter((name) => !name.startsWith("killcord_"))).to.deep.equal([]);
  });

  it("is for auditors", async () => {
    expect((await call("GET", "/metrics", null)).status).to.equal(401);
    const made = async (role: string) =>
      JSON.parse((await call("POST", "/v1/keys", undefined, { name: role, roles: [role] })).text).secret;
    expect((await call("GET", "/metrics", await made("auditor"))).status).to.equal(200);
    expect((await call("GET", "/metrics", await made("operator"))).status).to.equal(403);
    expect((await call("POST", "/metrics")).status).to.equal(405);
  });

  it("is open on an address of its own, and nothing else is there", async () => {
    const figures = await fetch(`${server.metrics_url}/metrics`);
    expect(figures.status).to.equal(200);
    expect(await figures.text()).to.include("killcord_decisions_total");
    for (const path of ["/v1/enforce/sessions", "/healthz", "/killcord.v1.SessionService/ListSessions"]) {
      const reply = await fetch(server.metrics_url + path, { headers: { "x-api-key": server.admin_key } });
      expect(reply.status, path).to.equal(404);
    }
  });

  it("is open on no address that other machines reach", async () => {
    const { status, stderr } = await command(["serve", "--print-config"], {
      KILLCORD_METRICS_LISTEN: "0.0.0.0:9100",
    });
    expect(status).to.equal(2);
    expect(stderr).to.include("metrics_listen");
  });
});

const expected = {
  'killcord_decisions_total{verdict="allow"}': 1,
  'killcord_decisions_total{verdict="terminate"}': 1,
  killcord_sessions_started_total: 3,
  'killcord_sessions_stopped_total{status="killed",reason="manual"}': 1,
  'killcord_sessions{status="active"}': 1,
  'killcord_sessions{status="paused"}': 1,
  'killcord_refusals_total{door="rest",code="invalid_api_key"}': 1,
  'killcord_refusals_total{door="rest",code="route_not_found"}': 1,
  'killcord_refusals_total{door="grpc",code="session_not_found"}': 1,
  'killcord_stop_sealed_duration_seconds_count{command="kill_session"}': 1,
  'killcord_queue_commands{lane="stops"}': 0,
  killcord_agents: 1,
  killcord_ready: 1,
  killcord_streams: 0,
  killcord_watchers: 0,
};
