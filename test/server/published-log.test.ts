/** The log as outsiders see it: static files, receipts, exports, all of a real server. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { command, freshFolder, type Served, serve } from "./served.js";

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

async function get(
  server: Served,
  path: string,
  key: string | null = server.admin_key,
  method = "GET",
): Promise<Asked> {
  const headers: Record<string, string> = key === null ? {} : { "x-api-key": key };
  const reply = await fetch(`${server.url}${path}`, { method, headers });
  return { status: reply.status, headers: reply.headers, bytes: Buffer.from(await reply.arrayBuffer()) };
}

async function post(server: Served, path: string, body: object): Promise<Record<string, never>> {
  const headers = { "x-api-key": server.admin_key, "content-type": "application/json" };
  const reply = await fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return (await reply.json()) as Record<string, never>;
}

async function json(asked: Promise<Asked>) {
  return JSON.parse((await asked).bytes.toString());
}

async function intercept(server: Served): Promise<string> {
  return (
    (await post(server, "/v1/enforce/intercept", { agent_id: "bot", action_type: "look" })).decision_id ?? ""
  );
}

describe("the log of a real server", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server.end();
  });

  it("is shown to auditors as static files, with how long each may be kept", async () => {
    await Promise.all(Array.from({ length: 260 }, () => intercept(server)));
    const decision_id = await intercept(server);
    await json(get(server, `/v1/enforce/decisions/${decision_id}/receipt`));
    const checkpoint = await get(server, "/log/checkpoint");
    const [origin, size] = checkpoint.bytes.toString().split("\n");
    expect(origin).to.match(/^killcord\.local\/ws_/);
    expect(Number(size)).to.be.above(260);
    expect(checkpoint.headers.get("content-type")).to.equal("text/plain; charset=utf-8");
    expect(checkpoint.headers.get("cache-control")).to.equal("private, max-age=1");
    expect(checkpoint.headers.get("x-request-id")).to.match(/^req_/);
    const tile = await get(server, "/log/tile/0/000");
    expect([tile.status, tile.bytes.length]).to.deep.equal([200, 8192]);
    expect(tile.headers.get("content-type")).to.equal("application/octet-stream");
    expect(tile.headers.get("cache-control")).to.equal("private, max-age=31536000, immutable");
    const partial = await get(server, `/log/tile/0/001.p/${Number(size) - 256}`);
    expect([partial.status, partial.bytes.length]).to.deep.equal([200, 32 * (Number(size) - 256)]);
    expect((await get(server, "/log/tile/entries/000")).status).to.equal(200);
    const shown = await json(get(server, "/v1/vault/checkpoint"));
    expect(String(shown.note).split("\n")[0]).to.equal(origin);
  });

  it("is refused without a key, to a key without the role, and by any other name or method", async () => {
    const code = async (asked: Promise<Asked>) => {
      const { status, bytes } = await asked;
      return [status, JSON.parse(bytes.toString()).error.code];
    };
    const { secret, key } = (await post(server, "/v1/keys", {
      name: "op",
      roles: ["operator"],
    })) as never as {
      secret?: string;
      key?: string;
    };
    expect(await code(get(server, "/log/checkpoint", null))).to.deep.equal([401, "missing_api_key"]);
    expect(await code(get(server, "/log/checkpoint", "xb_nobodys-key-at-all-0000"))).to.deep.equal([
      401,
      "invalid_api_key",
    ]);
    expect(await code(get(server, "/log/checkpoint", secret ?? key ?? ""))).to.deep.equal([
      403,
      "insufficient_permissions",
    ]);
    for (const path of [
      "/log/",
      "/log/tile/0/999",
      "/log/tile/0/%30%30%30",
      "/log/../keys/pepper",
      "/log/checkpoint/",
    ]) {
      expect(await code(get(server, path)), path).to.deep.equal([404, "route_not_found"]);
    }
    const posted = await get(server, "/log/checkpoint", server.admin_key, "POST");
    expect([posted.status, posted.headers.get("allow")]).to.deep.equal([405, "GET"]);
  });

  it("gives a receipt for a verdict soon after it, and 404 for none", async () => {
    const decision_id = await intercept(server);
    const { receipt } = await json(get(server, `/v1/enforce/decisions/${decision_id}/receipt`));
    expect(receipt).to.include({ format: "killcord-receipt/v1", decision_id });
    expect(receipt.entry.content).to.include({
      event: "enforcement_decision",
      decision_id,
      decision: "allow",
    });
    expect(receipt.entry).not.to.have.property("details");
    expect(receipt.signing_key.public_key_pem).to.match(/^-----BEGIN PUBLIC KEY-----\n/);
    const proof = await json(get(server, `/v1/vault/entries/${receipt.entry.sequence_number}/proof`));
    expect(receipt.proof.tlog_proof).to.match(/^c2sp\.org\/tlog-proof@v1\nextra /);
    expect(proof.tlog_proof.split("\n").slice(0, 3)).to.deep.equal(
      receipt.proof.tlog_proof.split("\n").slice(0, 3),
    );
    const none = await get(server, "/v1/enforce/decisions/enf_fffffffffff0/receipt");
    expect([none.status, JSON.parse(none.bytes.toString()).error.code]).to.deep.equal([
      404,
      "decision_not_found",
    ]);
    const early = await get(server, "/v1/vault/checkpoint?size=123456789");
    expect([early.status, JSON.parse(early.bytes.toString()).error.code]).to.deep.equal([
      404,
      "checkpoint_not_found",
    ]);
  });

  it("is exported whole and by the session, and `killcord verify` accepts both", async () => {
    const budgets = { max_actions: 1 };
    const { session_id } = await post(server, "/v1/enforce/sessions/start", { agent_id: "bot", budgets });
    for (let i = 0; i < 2; i++) {
      await post(server, "/v1/enforce/intercept", { session_id, action_type: "look" });
    }
    const access = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    for (const [kind, more] of [
      ["full", []],
      ["slice", ["--session", session_id ?? ""]],
    ] as const) {
      const out = join(freshFolder(), "evidence");
      const exported = await command(["export", "--out", out, ...more], access);
      expect(exported.status, exported.stderr).to.equal(0);
      expect((await readdir(out)).includes("log"), kind).to.equal(kind === "full");
      const verified = await command(["verify", out, "--json"]);
      expect(verified.status, verified.stdout + verified.stderr).to.equal(0);
      const report = JSON.parse(verified.stdout);
      expect(report).to.include({ kind, authentic: true });
      expect(report.tree_size).to.be.above(0);
    }
  });

  it("is shown to everybody where its operator says so", async () => {
    const open = await serve({ env: { KILLCORD_PUBLIC_LOG: "true" } });
    const checkpoint = await get(open, "/log/checkpoint", null);
    expect([checkpoint.status, checkpoint.headers.get("cache-control")]).to.deep.equal([
      200,
      "public, max-age=1",
    ]);
    expect((await get(open, "/v1/vault/checkpoint", null)).status).to.equal(401);
    await open.end();
  });

  it("keeps its checkpoints where KILLCORD_CHECKPOINTS says, and ends with one over all of it", async () => {
    const checkpoints = join(freshFolder(), "elsewhere");
    const other = await serve({ env: { KILLCORD_CHECKPOINTS: checkpoints } });
    await intercept(other);
    await other.end();
    expect((await readdir(checkpoints)).sort()).to.deep.equal(["checkpoints.log", "head"]);
    const shown = (await readFile(join(other.data, "log", "checkpoint"), "utf8")).split("\n")[1];
    const mark = await readFile(join(checkpoints, "head"));
    expect(Number(shown)).to.equal(Number(mark.readBigUInt64BE()));
    const refused = await command(["serve", "--data", other.data, "--listen", "127.0.0.1:0"]);
    expect(refused.stderr).to.match(/^killcord: start\.no_checkpoint: /);
  });
});
