/** Escalations of a real server: an agent in one process waits, a person in another answers; over crashes, too. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { invoke, killcord } from "../cli/killcord.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

const text = "wire 1200 USD to the account that was named on the phone";

describe("escalations of a real server", () => {
  let server: Served;
  let agent: string;
  let approver: string;
  let session_id: string;

  beforeEach(async () => {
    server = await serve();
    await post("policies", {
      name: "a person",
      policy_type: "action_type",
      decision: "escalate",
      action_types: ["wire_*"],
    });
    agent = (await post("agents", { name: "loan-bot" })).credential.secret;
    approver = (await curl(server, "/v1/keys", server.admin_key, { name: "a", roles: ["approver"] })).secret;
    session_id = (await post("sessions/start", {}, agent)).session_id;
  });
  afterEach(async () => {
    await server.end();
  });

  const post = (path: string, body: object, key = server.admin_key) =>
    curl(server, `/v1/enforce/${path}`, key, body);
  const wire = (more: object = {}) =>
    post("intercept", { session_id, action_type: "wire_money", action_content: text, ...more }, agent);

  async function escalated(): Promise<string> {
    const { decision, escalation_id } = await wire();
    expect(decision).to.equal("escalate");
    return escalation_id;
  }

  /** Waits as an agent without a library does: one request, until the server ends it. */
  async function waitFor(escalation_id: string): Promise<string> {
    const path = `/v1/enforce/escalations:watch?escalation_ids=${escalation_id}`;
    const answered = await fetch(server.url + path, { headers: { "x-api-key": agent } });
    const events = (await answered.text())
      .split("\n\n")
      .filter((event) => event.includes("event: escalation"));
    return JSON.parse(/^data: (.*)$/m.exec(events.at(-1) ?? "")?.[1] ?? "{}").escalation.decision;
  }

  /** As a person does, in another terminal. */
  async function answer(escalation_id: string, how: "--approve" | "--reject"): Promise<string> {
    const words = ["escalations", "resolve", escalation_id, how, "--reason", "by phone"];
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: approver, NO_COLOR: "1" };
    const { status, stdout, stderr } = await killcord(words, { env });
    expect(status, stderr).to.equal(0);
    return stdout;
  }

  /** Files of the data directory that hold a text. */
  function holding(folder: string, wanted: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile() && readFileSync(path).includes(wanted));
  }

  async function verify(): Promise<void> {
    const out = join(freshFolder(), "export");
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    expect((await command(["export", "--out", out], env)).status).to.equal(0);
    const { status, stdout } = await command(["verify", out]);
    expect(status, stdout).to.equal(0);
  }

  it("one that is approved in one terminal releases the agent that waits in another, once", async () => {
    const escalation_id = await escalated();
    const waiting = waitFor(escalation_id);
    expect(await answer(escalation_id, "--approve")).to.match(/approved[\s\S]*may be done, once/);
    expect(await waiting).to.equal("allow");
    const allowed = await wire({ escalation_id });
    expect([allowed.decision, allowed.consumed.actions]).to.deep.equal(["allow", 1]);
    expect((await wire({ escalation_id })).decision).to.equal("block");
    await verify();
  });

  it("are listed, shown and followed in a terminal, where no agent's text has power over it", async () => {
    const asked = { action_content: "pay\n\u001b[2Jstatus  approved", metadata: { invoice: "2026-118" } };
    const { escalation_id } = await wire(asked);
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: approver };
    const run = (...words: string[]) => invoke(["escalations", ...words], { env });
    expect((await run("list")).stdout).to.match(
      new RegExp(`pending *${escalation_id} *wire_money *loan-bot`),
    );
    const { stdout: shown } = await run("show", escalation_id);
    expect(shown)
      .to.include("│ pay\n│ \\u001b[2Jstatus  approved\n")
      .and.to.include('│   "invoice": "2026-118"');
    const followed = run("watch", escalation_id);
    await answer(escalation_id, "--reject");
    expect((await followed).stdout).to.match(/rejected *esc_[0-9a-f]+ *wire_money *loan-bot *by phone\n$/);
    expect((await run("list")).stdout).to.equal("no escalations match\n");
    expect((await run("list", "--status", "all")).stdout).to.include("rejected");
    expect((await run("show", escalation_id)).stdout).to.include("erased");
    const late = await run("resolve", escalation_id, "--approve");
    expect(late.status).to.equal(1);
    expect(late.stderr).to.include("is resolved: that stands");
    expect((await run("resolve", escalation_id)).status).to.equal(2);
    expect((await run("resolve", escalation_id, "--approve", "--reject")).status).to.equal(2);
    expect((await run("watch", escalation_id, "--agent", "loan-bot")).status).to.equal(2);
  });

  it("one that is rejected lets the agent go on without it", async () => {
    const escalation_id = await escalated();
    const waiting = waitFor(escalation_id);
    await answer(escalation_id, "--reject");
    expect(await waiting).to.equal("block");
    expect((await wire({ escalation_id })).decision).to.equal("block");
    expect((await post("intercept", { session_id, action_type: "look" }, agent)).decision).to.equal("allow");
  });

  it("many who answer one at once are told of one answer, and it is the one that is sealed", async () => {
    const escalation_id = await escalated();
    const said = ["approved", "rejected"] as const;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        post(`escalations/${escalation_id}/resolve`, { resolution: said[i % 2] }, approver),
      ),
    );
    const [first, ...others] = answers.filter(({ ok }) => ok);
    expect(others).to.deep.equal([]);
    const codes = answers.filter(({ ok }) => !ok).map(({ error }) => error.code);
    expect(codes).to.deep.equal(Array(19).fill("escalation_already_resolved"));
    const { status } = await curl(server, `/v1/enforce/escalations/${escalation_id}/status`, agent);
    expect(status).to.equal(first.status);
    expect((await wire({ escalation_id })).decision).to.equal(status === "approved" ? "allow" : "block");
    await verify();
  });

  it("wait on over a SIGKILL with their texts, which no file ever has in the clear", async () => {
    const escalation_id = await escalated();
    expect(holding(server.data, text)).to.deep.equal([]);
    await server.end("SIGKILL");
    server = await serve({ data: server.data });
    const shown = await curl(server, `/v1/enforce/escalations/${escalation_id}`, approver);
    expect([shown.status, shown.action_text, shown.action_content]).to.deep.equal(["pending", "shown", text]);
    const waiting = waitFor(escalation_id);
    await answer(escalation_id, "--approve");
    expect(await waiting).to.equal("allow");
    await server.end("SIGKILL");
    server = await serve({ data: server.data });
    expect((await wire({ escalation_id, action_content: "another" })).decision).to.equal("block");
    expect((await wire({ escalation_id })).decision).to.equal("allow");
    expect((await wire({ escalation_id })).decision).to.equal("block");
    expect(holding(server.data, text)).to.deep.equal([]);
    expect(server.log()).not.to.include(text);
    await verify();
  });

  it("expire after the time that the server was given", async () => {
    await server.end();
    server = await serve({ data: server.data, flags: ["--escalation-seconds", "1"] });
    const escalation_id = await escalated();
    expect(await waitFor(escalation_id)).to.equal("block");
    const { status, resolution_reason } = await curl(
      server,
      `/v1/enforce/escalations/${escalation_id}/status`,
      agent,
    );
    expect([status, resolution_reason]).to.deep.equal(["expired", "nobody answered within 1 seconds"]);
    await verify();
  });
});
