/** The documented curl commands, word for word but for host and key, run by curl itself. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { type Served, serve } from "./served.js";

const run = promisify(execFile);

describe("the documented curl commands", () => {
  let server: Served;
  before(async function () {
    try {
      execFileSync("curl", ["--version"]);
    } catch {
      // Said aloud by the test runner, and counted.
      this.skip();
    }
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  /** Runs a command line as a shell does, with KILLCORD for the address and KEY for the key. */
  async function shell(line: string): Promise<Record<string, unknown>> {
    const { stdout } = await run("sh", ["-c", line], {
      env: { PATH: process.env.PATH, KILLCORD: server.url, KEY: server.admin_key },
    });
    return JSON.parse(stdout);
  }

  for (const mount of ["/v1", "/api/v1"]) {
    it(`start, kill and revoke under ${mount}`, async () => {
      const agent = `loan-bot${mount.replaceAll("/", "-")}`;
      const registered = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/agents" -H "X-API-Key: $KEY" -d '{"name":"${agent}"}'`,
      );
      expect(registered.ok).to.equal(true);
      const { credential_id } = registered.credential as { credential_id: string };

      const started = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/sessions/start" -H "X-API-Key: $KEY" -H "Content-Type: application/json" -d '{"agent_id":"${agent}","label":"loan-risk monitor","budgets":{"max_actions":200,"ttl_seconds":3600}}'`,
      );
      expect(Object.keys(started)[0]).to.equal("ok");
      expect(started).to.include({ ok: true, status: "active", agent_id: agent, label: "loan-risk monitor" });
      expect(started.session_id).to.match(/^sess_[0-9a-f]{24}$/);
      expect(started.budgets).to.deep.equal({
        max_actions: 200,
        ttl_seconds: 3600,
        on_exceeded: "terminate",
      });

      // As documented: no Content-Type, so curl says that it is a form.
      const killed = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/sessions/${started.session_id}/kill" -H "X-API-Key: $KEY" -d '{"reason":"manual stop"}'`,
      );
      expect(killed).to.include({
        ok: true,
        status: "killed",
        kill_reason: "manual stop",
        stop_reason: "manual",
      });

      const second = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/sessions/start" -H "Authorization: Bearer $KEY" -d '{"agent_id":"${agent}","credential_id":"${credential_id}"}'`,
      );
      const revoked = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/credentials/${credential_id}/revoke" -H "X-Xybern-API-Key: $KEY" -d '{"reason":"key compromised"}'`,
      );
      expect(revoked.killed_sessions).to.deep.equal([second.session_id]);
      expect(revoked.credential).to.include({
        credential_id,
        status: "revoked",
        revoke_reason: "key compromised",
      });

      const after = await shell(
        `curl -s -X POST "$KILLCORD${mount}/enforce/intercept" -H "X-API-Key: $KEY" -d '{"action_type":"transfer_funds","session_id":"${second.session_id}"}'`,
      );
      expect(after).to.include({ ok: true, decision: "terminate", stop_reason: "credential_revoked" });
    });
  }
});
