import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { connect } from "../../src/cli/client.js";
import { verifyPath } from "../../src/cli/verify.js";
import { freshFolder, type Served, serve } from "../server/served.js";
import { type Ended, invoke, killcord } from "./killcord.js";

describe("the command line on a real server", function () {
  this.timeout(30_000);
  let server: Served;

  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  const as = (key: string | null, ...words: string[]): Promise<Ended> =>
    invoke(words, {
      env: { KILLCORD_URL: server.url, ...(key === null ? {} : { KILLCORD_API_KEY: key }) },
    });
  const admin = (...words: string[]) => as(server.admin_key, ...words);
  const json = async (ended: Promise<Ended>) => {
    const { status, stdout, stderr } = await ended;
    expect(status, stderr).to.equal(0);
    return JSON.parse(stdout);
  };
  /** What an agent of its own started, as one that was told its secret. */
  async function started(
    agent: string,
  ): Promise<{ session_id: string; credential_id: string; secret: string }> {
    const { credential } = await json(admin("agents", "register", agent, "--json"));
    const { sessions } = connect(server.url, credential.secret);
    const { session } = await sessions.startSession({
      agentId: agent,
      budgets: { maxActions: 3n, ttlSeconds: 600n },
    });
    const { credential_id, secret } = credential;
    return { session_id: session?.sessionId ?? "", credential_id, secret };
  }

  it("shows a session as its REST route does, to the letter", async () => {
    const { session_id } = await started("rest-bot");
    await admin("sessions", "kill", session_id, "--reason", "ünïcode & \u001b[2J");
    const { stdout } = await admin("sessions", "get", session_id, "--json");
    const reply = await fetch(`${server.url}/v1/enforce/sessions/${session_id}`, {
      headers: { "X-API-Key": server.admin_key },
    });
    expect(JSON.stringify(JSON.parse(stdout))).to.equal(await reply.text());
  });

  it("watches a session to its kill, by an operator who can do no more than that", async () => {
    const { session_id } = await started("watched-bot");
    const { secret } = await json(admin("keys", "create", "oncall", "--role", "operator", "--json"));
    const watched = killcord(["sessions", "watch", session_id, "--json"], {
      env: { KILLCORD_URL: server.url, KILLCORD_API_KEY: secret },
    });
    const killed = await as(secret, "sessions", "kill", session_id, "--reason", "runaway loop");
    expect(killed.stdout).to.match(/^stop reason +manual$/m);
    const { status, stdout } = await watched;
    expect(status).to.equal(0);
    const last = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect([last.session.status, last.session.kill_reason]).to.deep.equal(["killed", "runaway loop"]);
    const refused = await as(secret, "keys", "list");
    expect(refused.status).to.equal(3);
  });

  it("stops what runs on a revoked credential, and tells which", async () => {
    const { session_id, credential_id, secret } = await started("leaky-bot");
    const reply = await json(admin("credentials", "revoke", credential_id, "--reason", "leaked", "--json"));
    expect(reply.killed_sessions).to.deep.equal([session_id]);
    const list = await admin("sessions", "list", "--agent", "leaky-bot");
    expect(list.stdout).to.match(/■ killed +sess_[0-9a-f]+ +leaky-bot +░+ 0\/3 .* credential_revoked$/m);
    const refused = await as(secret, "sessions", "list", "--json");
    expect([refused.status, JSON.parse(refused.stderr).error.code]).to.deep.equal([3, "expired_api_key"]);
    expect(JSON.parse(refused.stderr).error.request_id).to.be.a("string");
  });

  it("reads all pages of a list into one", async () => {
    await started("page-bot");
    await started("other-page-bot");
    const { agents, total } = await json(admin("agents", "list", "--page-size", "1", "--all", "--json"));
    expect(agents.length).to.equal(total).and.be.greaterThan(1);
  });

  it("without a key, or with a wrong one, ends with 3 and says what to do", async () => {
    const [none, wrong] = await Promise.all([
      as(null, "sessions", "list"),
      as("kc_wrong", "sessions", "list"),
    ]);
    expect([none.status, wrong.status]).to.deep.equal([3, 3]);
    expect(none.stderr).to.contain("set KILLCORD_API_KEY");
    expect(wrong.stderr).to.contain("use another key");
  });

  it("names the field that the server refuses, and ends with 2", async () => {
    const { status, stderr } = await admin(
      "sessions",
      "kill",
      "sess_x",
      "--reason",
      "x".repeat(1025),
      "--json",
    );
    expect(status).to.equal(2);
    expect(JSON.parse(stderr).error.details[0].field).to.equal("reason");
  });

  it("exports the same evidence from the running server and from its stopped store", async () => {
    const folder = freshFolder();
    const [live, cold] = [join(folder, "live"), join(folder, "cold")];
    expect((await admin("export", "--out", live)).status).to.equal(0);
    const early = await admin("export", "--out", cold, "--data", server.data, "--json");
    expect([early.status, JSON.parse(early.stderr).error.code]).to.deep.equal([1, "start.locked"]);
    expect(JSON.parse(early.stderr).error.message).to.contain("leave --data out");
    await server.end();
    const late = await invoke(["export", "--out", cold, "--data", server.data]);
    expect([late.status, late.stderr]).to.deep.equal([0, ""]);
    for (const out of [live, cold]) {
      const verdict = await verifyPath(out, { require_trust: false, json: false });
      expect(verdict.exit, verdict.text).to.equal(0);
    }
    const files = (out: string) =>
      Promise.all(["trust.json", "bundle.json"].map((name) => readFile(join(out, name), "utf8")));
    expect(await files(cold)).to.deep.equal(await files(live));
    const unreachable = await admin("sessions", "list");
    expect(unreachable.status).to.equal(3);
  });

  it("exports nothing from a folder without a log, and makes none there", async () => {
    const folder = freshFolder();
    const { status, stderr } = await invoke([
      "export",
      "--out",
      join(folder, "out"),
      "--data",
      join(folder, "none"),
    ]);
    expect(status).to.equal(1);
    expect(stderr).to.contain("holds no Killcord log");
    expect(existsSync(join(folder, "none"))).to.equal(false);
  });
});
