/** Stops and drills from the command line, on a real server with real clients. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { HaltEvidence, HaltPhase, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { makeCertificate } from "../rpc/certificate.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

describe("a halt on a real server", function () {
  this.timeout(60_000);
  let server: Served;
  let agent: GrpcClient;

  before(async () => {
    server = await serve({ flags: ["--halt-confirm-seconds", "1"] });
    const made = await curl(server, "/v1/keys", server.admin_key, { name: "bot", roles: ["agent"] });
    agent = openGrpcClient(server.address, { "x-api-key": made.secret });
  });
  after(async () => {
    agent.close();
    await server.end();
  });

  const killcord = (...words: string[]) =>
    command(words, { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key });

  /** A run that watches its session, and says so when it is stopped. */
  async function runs(agentId: string, confirms = true): Promise<string> {
    const { message } = await agent.unary(SessionService.method.startSession, { agentId, label: "fleet" });
    const sessionId = message?.session?.sessionId ?? "";
    const watch = agent.stream(SessionService.method.watchSession, { sessionId });
    watch.on("error", () => {});
    await new Promise((resolve) => watch.once("data", resolve));
    watch.on("data", async ({ update }) => {
      const haltId = update.case === "session" ? update.value.haltId : undefined;
      if (haltId !== undefined && confirms) {
        const said = { sessionId, haltId };
        await agent.unary(SessionService.method.acknowledgeHalt, { ...said, phase: HaltPhase.STOPPING });
        const evidence = HaltEvidence.TASKS_CANCELLED;
        await agent.unary(SessionService.method.acknowledgeHalt, {
          ...said,
          phase: HaltPhase.STOPPED,
          evidence,
        });
      }
    });
    return sessionId;
  }

  it("ends with 0 when every client has confirmed, and stands until it is lifted", async () => {
    await Promise.all([runs("a"), runs("b"), runs("c")]);
    const { status, stdout, stderr } = await killcord(
      "halt",
      "--label",
      "fleet",
      "--reason",
      "runaway fleet",
    );
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include("3 sessions stopped, all confirmed");
    const halt_id = /halt_[0-9a-f]{12}/.exec(stdout)?.[0] ?? "";
    expect(stderr).to.include(`killcord lift ${halt_id}`);
    const { status: shown, stdout: card } = await killcord("halts", "get", halt_id);
    expect(shown).to.equal(0);
    expect(card.match(/● confirmed +sess_/g)).to.have.lengthOf(3);
    expect(card).to.match(/by stream, tasks cancelled/);
    expect((await killcord("halts", "list", "--status", "in_force")).stdout).to.include(halt_id);
    expect((await killcord("lift", halt_id)).stdout).to.match(/^status +○ lifted$/m);
  });

  it("ends with 1 when a client is silent, or there is none, and says which is which", async () => {
    const silent = await runs("a", false);
    const absent = (await curl(server, "/v1/enforce/sessions/start", server.admin_key, { agent_id: "a" }))
      .session_id;
    const { status, stdout } = await killcord("halt", "--agent", "a");
    expect(status).to.equal(1);
    expect(stdout).to.match(new RegExp(`${silent} .*told, and silent at the deadline`));
    expect(stdout).to.match(new RegExp(`${absent} .*no client had heard of it in time`));
    const figures = await fetch(`${server.url}/metrics`, { headers: { "x-api-key": server.admin_key } });
    const text = await figures.text();
    expect(text).to.include('killcord_halts_unconfirmed_total{why="deadline"} 1');
    expect(text).to.include('killcord_halts_unconfirmed_total{why="no_client"} 1');
    for (const step of ["delivered", "acknowledged", "confirmed"]) {
      expect(text).to.match(new RegExp(`killcord_halt_seconds_count\\{step="${step}"\\} [1-9]`));
    }
  });

  it("is rehearsed by a drill", async () => {
    const { status, stdout, stderr } = await killcord("drill");
    expect(status, stderr + stdout).to.equal(0);
    expect(stdout)
      .to.match(/^outcome +● confirmed$/m)
      .and.to.match(/^stopped +[\d.]+ m?s$/m);
    const figures = await fetch(`${server.url}/metrics`, { headers: { "x-api-key": server.admin_key } });
    const text = await figures.text();
    expect(text).to.include('killcord_drills_total{outcome="confirmed"} 1');
    expect(text).to.match(/killcord_drill_last_confirmed_timestamp_seconds 1\d{9}/);
  });

  it("leaves a drill that an order keeps from starting unconfirmed: status 1", async () => {
    const { stdout } = await killcord("halt", "--all", "--yes", "--no-wait", "--json");
    const { status, stdout: told } = await killcord("drill");
    expect(status).to.equal(1);
    expect(told)
      .to.match(/^outcome +✗ not confirmed$/m)
      .and.to.match(/^failure +no session was opened: /m);
    await killcord("lift", JSON.parse(stdout).halt.halt_id);
  });
});

describe("a drill of a server with TLS", function () {
  this.timeout(60_000);

  it("goes over its own certificate, whoever signed that", async () => {
    const made = makeCertificate("killcord.example.com");
    const folder = freshFolder();
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    writeFileSync(cert, made.cert);
    writeFileSync(key, made.key);
    const server = await serve({ flags: ["--tls-cert", cert, "--tls-key", key] });
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key, NODE_EXTRA_CA_CERTS: cert };
    const { status, stdout, stderr } = await command(["drill", "--json"], env);
    expect(status, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ ok: true, outcome: "confirmed" });
    expect(await server.end()).to.equal(0);
  });
});
