import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { isSigned, Receiver } from "../webhooks/receiver.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

const secret = "whsec_0123456789abcdef01234567";
const other_secret = "whsec_89abcdef0123456789abcdef";

describe("webhooks of a real server", () => {
  let server: Served;
  let receiver: Receiver;
  let secrets: string;
  beforeEach(async () => {
    receiver = await new Receiver().open();
    secrets = join(freshFolder(), "secrets");
    writeFileSync(secrets, `${secret}\n`);
  });
  afterEach(async () => {
    await server.end("SIGKILL");
    await receiver.close();
  });

  const flags = () => ["--webhook", receiver.url, "--webhook-secret-file", secrets];
  const ask = (path: string, body: object) => curl(server, path, server.admin_key, body);
  const start = async (more: object = {}) =>
    (await ask("/v1/enforce/sessions/start", { agent_id: "loan-bot", ...more })).session_id as string;
  const events = () => receiver.told.map(({ event }) => event);

  it("tell of a halt, of what it stops and how that ends; of a budget; never of what was said", async () => {
    server = await serve({ flags: [...flags(), "--halt-confirm-seconds", "1"] });
    const halted = await start();
    const spent = await start({ agent_id: "other-bot", budgets: { max_actions: 1 } });
    for (let i = 0; i < 2; i++) {
      await ask("/v1/enforce/intercept", {
        session_id: spent,
        action_type: "send_mail",
        action_content: "dear Alice",
      });
    }
    const order = await ask("/v1/enforce/halts", {
      scope: { kind: "agent", id: "loan-bot" },
      reason: "Alice saw it wire money",
    });
    await receiver.until(() => events().filter((event) => event === "halt.unconfirmed").length === 2);
    await ask(`/v1/enforce/halts/${order.halt_id}/lift`, { reason: "Alice is calm" });
    await receiver.until(() => events().at(-1) === "halt.lifted");
    expect([...events()].sort()).to.deep.equal([
      "budget.exceeded",
      "halt.lifted",
      "halt.requested",
      "halt.unconfirmed",
      "halt.unconfirmed",
      "session.stopped",
      "session.stopped",
    ]);
    const sequences = receiver.told.map(({ sequence_number }) => sequence_number as number);
    expect(sequences).to.deep.equal([...sequences].sort((a, b) => a - b));
    const [told] = receiver.told.filter(({ event }) => event === "halt.requested");
    expect(told?.data).to.deep.include({ scope: { kind: "agent", id: "loan-bot" }, session_count: 1 });
    const stops = receiver.told.filter(({ event }) => event === "session.stopped");
    expect(stops.map(({ data }) => (data as { session_id: string }).session_id)).to.have.members([
      halted,
      spent,
    ]);
    // What is told is what is sealed.
    const entry = await curl(server, `/v1/vault/entries/${told?.sequence_number}`, server.admin_key);
    expect((entry.entry ?? entry).entry_id).to.equal(told?.entry_id);
    for (const received of receiver.received) {
      expect(isSigned(received, secret)).to.equal(true);
      expect(received.body).to.not.match(/Alice/);
    }
    const figures = await (
      await fetch(`${server.url}/metrics`, { headers: { "x-api-key": server.admin_key } })
    ).text();
    expect(figures).to.match(/killcord_webhook_deliveries_total\{target="127.0.0.1:\d+",outcome="taken"\} 7/);
    expect(figures).to.match(/killcord_webhook_waiting_seconds\{target="127.0.0.1:\d+"\} 0/);
    expect(server.log()).to.not.include(secret);
  });

  it("tell of an action that waits for a person, and of the end of that", async () => {
    server = await serve({ flags: ["--webhook", `${receiver.url}#escalation.*`, ...flags().slice(2)] });
    await ask("/v1/enforce/policies", {
      name: "payments wait",
      policy_type: "action_type",
      decision: "escalate",
      action_types: ["pay"],
    });
    const session_id = await start();
    const action = { session_id, action_type: "pay", action_content: "pay Alice", cost: { tokens: 7 } };
    const { decision, decision_id } = await ask("/v1/enforce/intercept", action);
    expect(decision).to.equal("escalate");
    await receiver.until(() => receiver.received.length === 1);
    // Nobody can answer for a session that is over.
    await ask(`/v1/enforce/sessions/${session_id}/kill`, { reason: "Alice says so" });
    await receiver.until(() => receiver.received.length === 2);
    const [opened, resolved] = receiver.told.map(({ event, data }) => ({
      event,
      ...(data as object),
    })) as Record<string, unknown>[];
    expect(opened).to.deep.include({
      event: "escalation.opened",
      session_id,
      decision_id,
      cost: { tokens: 7, cost_usd_micros: 0 },
      estimate: null,
    });
    expect(Date.parse(opened?.expires_at as string)).to.be.above(Date.now());
    expect(resolved).to.deep.equal({
      event: "escalation.resolved",
      session_id,
      decision_id,
      escalation_id: opened?.escalation_id,
      resolution: "expired",
      unseen: null,
    });
    expect(receiver.received.map(({ body }) => body).join()).to.not.include("Alice");
  });

  it("lose nothing when the server is killed at any moment, and decide on while nobody takes them", async function () {
    // Five starts of a server.
    this.timeout(30_000);
    receiver.answer = (_, reply) => reply.writeHead(503).end();
    server = await serve({ flags: flags() });
    const { data, admin_key } = server;
    const stopped: string[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 5; i++) {
        const session_id = await start();
        const verdict = await ask("/v1/enforce/intercept", { session_id, action_type: "read" });
        expect(verdict.decision).to.equal("allow");
        await ask(`/v1/enforce/sessions/${session_id}/kill`, { reason: "enough" });
        stopped.push(session_id);
      }
      await server.end("SIGKILL");
      server = { ...(await serve({ data, flags: flags() })), admin_key };
    }
    const taken = new Set<string>();
    receiver.received.length = 0;
    receiver.answer = ({ body }, reply) => {
      const { event, data: told } = JSON.parse(body);
      if (event === "session.stopped") {
        taken.add(told.session_id);
      }
      reply.writeHead(200).end();
    };
    await receiver.until(() => taken.size === stopped.length);
    expect([...taken]).to.deep.equal(stopped);
  });

  it("are signed by what the file of secrets says after SIGHUP, and by what it said when it is no good", async () => {
    server = await serve({ flags: flags() });
    const kill = async () => {
      const before = receiver.received.length;
      await ask(`/v1/enforce/sessions/${await start()}/kill`, { reason: "enough" });
      await receiver.until(() => receiver.received.length > before);
      return receiver.received.at(-1) as Parameters<typeof isSigned>[0];
    };
    const renewed = async (text: string, line: string) => {
      writeFileSync(secrets, text);
      server.process.kill("SIGHUP");
      while (!server.log().includes(line)) {
        await new Promise((resolve) => server.process.stderr?.once("data", resolve));
      }
    };
    await renewed(`${other_secret}\n${secret}\n`, "were read anew");
    const both = await kill();
    expect([isSigned(both, secret), isSigned(both, other_secret)]).to.deep.equal([true, true]);
    await renewed("short\n", "were not read anew");
    const still = await kill();
    expect(isSigned(still, other_secret)).to.equal(true);
  });

  it("end with the server, whatever their receiver does", async () => {
    receiver.answer = () => {};
    server = await serve({ flags: flags() });
    await ask(`/v1/enforce/sessions/${await start()}/kill`, { reason: "enough" });
    await receiver.until(() => receiver.received.length === 1);
    expect(await server.end("SIGTERM")).to.equal(0);
  });
});

describe("the settings of webhooks", () => {
  const url = "https://ops.example.com/T0KEN";
  const print = (env: Record<string, string>, ...flags: string[]) =>
    command(["serve", "--print-config", ...flags], env);

  it("are shown without secrets and without addresses", async () => {
    const { status, stdout } = await print(
      { KILLCORD_WEBHOOK_SECRET: `${secret} ${other_secret}` },
      "--webhook",
      `${url}#halt.*`,
      "--webhook",
      "https://ops.example.com/other#session.stopped",
    );
    expect(status).to.equal(0);
    expect(JSON.parse(stdout).webhooks).to.deep.equal([
      {
        to: "ops.example.com",
        events: ["halt.requested", "halt.lifted", "halt.confirmed", "halt.unconfirmed"],
      },
      { to: "ops.example.com#2", events: ["session.stopped"] },
    ]);
    expect(stdout).to.not.match(/whsec|T0KEN/);
  });

  it("need one source of secrets, and are refused with what to do", async () => {
    const refused = async (env: Record<string, string>, ...flags: string[]) => {
      const { status, stderr } = await print(env, ...flags);
      expect(status).to.equal(2);
      expect(stderr).to.not.match(/whsec|T0KEN/);
      return stderr;
    };
    expect(await refused({}, "--webhook", url)).to.include("--webhook-secret-file");
    const both = { KILLCORD_WEBHOOK_SECRET: secret, KILLCORD_WEBHOOK_SECRET_FILE: "file" };
    expect(await refused({ ...both, KILLCORD_WEBHOOKS: url })).to.include("not both");
    expect(await refused({ KILLCORD_WEBHOOKS: url, KILLCORD_WEBHOOK_SECRET_FILE: "nowhere" })).to.include(
      "webhook_secret_file: nowhere",
    );
    const set = { KILLCORD_WEBHOOK_SECRET: secret, KILLCORD_WEBHOOKS: url };
    expect(await refused({ ...set, KILLCORD_WEBHOOK_RETRY_SECONDS: "0" })).to.include("from 1 to");
    expect(await refused({ ...set, KILLCORD_WEBHOOKS: "http://ops.example.com/T0KEN" })).to.include("https");
  });
});
