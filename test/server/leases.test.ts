/** Leases as callers of every door see them, from a real server. */
import { resolve } from "node:path";
import { expect } from "chai";
import { DirectiveKind, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { OnLeaseLost, SessionService, SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";
import { Talk } from "./talk.js";

const { startSession, watchSession } = SessionService.method;

describe("a lease, over the wire", function () {
  this.timeout(30_000);
  let server: Served;
  let admin: GrpcClient;
  before(async () => {
    server = await serve({ env: { KILLCORD_METRICS_LISTEN: "127.0.0.1:0" } });
    admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  after(async () => {
    admin.close();
    await server.end();
  });

  const post = (path: string, body: object) => curl(server, `/v1/enforce/${path}`, server.admin_key, body);
  const start = (lease: object) => post("sessions/start", { agent_id: "loan-bot", ...lease });

  it("is asked for and shown in the words of REST, and kills when nothing is said", async () => {
    const plain = await start({ lease_seconds: 30 });
    expect(plain).to.include({ ok: true, lease_seconds: 30, on_lease_lost: "kill" });
    for (const on_lease_lost of ["kill", "pause", "continue"]) {
      const { session_id } = await start({ lease_seconds: 300, on_lease_lost });
      const shown = await curl(server, `/v1/enforce/sessions/${session_id}`, server.admin_key);
      expect(shown).to.include({ lease_seconds: 300, on_lease_lost });
    }
    const without = await start({ lease_seconds: null, on_lease_lost: null });
    expect(without).to.include({ ok: true }).and.not.to.have.any.keys("lease_seconds", "on_lease_lost");
  });

  it("is refused where it is too short, too long, or an ending of none", async () => {
    for (const wrong of [{ lease_seconds: 1 }, { lease_seconds: 301 }, { on_lease_lost: "pause" }]) {
      const { error } = await start(wrong);
      expect(error.code).to.equal("invalid_argument");
      expect(error.details.map((each: { field: string }) => each.field)).to.deep.equal(Object.keys(wrong));
    }
    const { status } = await admin.unary(startSession, { onLeaseLost: OnLeaseLost.CONTINUE });
    expect(status.details).to.include("on_lease_lost: needs lease_seconds");
  });

  it("is part of what an Idempotency-Key stands for", async () => {
    const under = (lease_seconds: number) =>
      fetch(`${server.url}/v1/enforce/sessions/start`, {
        method: "POST",
        headers: { "x-api-key": server.admin_key, "idempotency-key": "k1" },
        body: JSON.stringify({ lease_seconds }),
      });
    expect((await under(30)).status).to.equal(200);
    expect((await under(30)).headers.get("idempotency-replayed")).to.equal("true");
    expect((await under(31)).status).to.equal(422);
  });

  it("that is lost kills, holds or goes on; streams, metrics and evidence say so", async () => {
    const endings = ["kill", "pause", "continue"] as const;
    const sessions: string[] = [];
    for (const on_lease_lost of endings) {
      sessions.push((await start({ lease_seconds: 2, on_lease_lost })).session_id);
    }
    const [killed, held, going] = sessions as [string, string, string];
    const talk = new Talk(admin);
    talk.open(held);
    expect((await talk.until("opened")).session).to.include({
      leaseSeconds: 2,
      onLeaseLost: OnLeaseLost.PAUSE,
    });
    talk.say({ case: "renew", value: { nonce: 7n } });
    await talk.until("renewed", ({ nonce }) => nonce === 7n);
    const pause = await talk.until("directive");
    expect(pause).to.include({ kind: DirectiveKind.PAUSE, reason: "lease lost: lease_seconds 2" });
    await stands(killed, SessionStatus.KILLED);
    expect(await curl(server, `/v1/enforce/sessions/${killed}`, server.admin_key)).to.include({
      status: "killed",
      stop_reason: "lease_lost",
      kill_reason: "lease lost: lease_seconds 2",
    });
    talk.ask(1);
    expect((await talk.until("verdict")).verdict).to.include({
      decision: Verdict.BLOCK,
      reasoning: "lease lost: lease_seconds 2",
    });
    expect(await post(`sessions/${held}/heartbeat`, {})).to.include({ status: "paused" });
    expect(await post("intercept", { session_id: going, action_type: "step" })).to.include({
      decision: "allow",
    });
    expect(await post("intercept", { session_id: killed, action_type: "step" })).to.include({
      decision: "terminate",
      stop_reason: "lease_lost",
    });
    const figures = await (await fetch(`${server.metrics_url}/metrics`)).text();
    for (const outcome of endings) {
      expect(figures).to.match(new RegExp(`killcord_leases_lost_total\\{outcome="${outcome}"\\} 1\\b`));
    }
    talk.close();
    await verified();
  });

  /** Resolves when the session has that status. */
  function stands(session_id: string, status: SessionStatus): Promise<void> {
    return new Promise((told, failed) => {
      const watch = admin.stream(watchSession, { sessionId: session_id });
      watch.on("error", failed);
      watch.on("data", ({ update }: { update: { case?: string; value?: { status?: SessionStatus } } }) => {
        if (update.case === "session" && update.value?.status === status) {
          told();
        }
      });
    });
  }

  async function verified(): Promise<void> {
    const out = resolve(freshFolder(), "evidence");
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    expect((await command(["export", "--out", out], env)).status).to.equal(0);
    const { status, stdout } = await command(["verify", out]);
    expect(status, stdout).to.equal(0);
  }
});
