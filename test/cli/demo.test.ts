import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { budget_actions, check, type Held, type Stop } from "../../src/cli/demo-play.js";
import { verifyPath } from "../../src/cli/verify.js";
import { freshFolder } from "../server/served.js";
import { invoke, killcord, launch } from "./killcord.js";

/** Resolves when the process has written what is expected. */
function says(child: ChildProcess, expected: RegExp): Promise<void> {
  let stdout = "";
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`it only said: ${stdout}`)));
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
      if (expected.test(stdout)) resolve();
    });
  });
}

describe("killcord demo", function () {
  this.timeout(60_000);

  it("stops three agents at work, proves it, and leaves nothing behind but the evidence", async () => {
    const scratch = freshFolder();
    const evidence = join(freshFolder(), "evidence");
    const { status, stdout, stderr } = await killcord(["demo", "--json", "--keep", evidence], {
      env: { TMPDIR: scratch, KILLCORD_URL: "http://127.0.0.1:1", KILLCORD_API_KEY: "kc_of_another_server" },
    });
    expect([status, stderr]).to.deep.equal([0, ""]);
    const { ok, stops, held, verified } = JSON.parse(stdout) as {
      ok: boolean;
      stops: Stop[];
      held: Held;
      verified: { exit: number; sessions: Record<string, { status: string }> };
    };
    expect([ok, verified.exit]).to.deep.equal([true, 0]);
    expect(stops.map(({ stop_reason, asked_again }) => [stop_reason, asked_again])).to.deep.equal([
      ["budget_exceeded", "terminate"],
      ["manual", "terminate"],
      ["credential_revoked", "terminate"],
    ]);
    expect(stops[0]?.actions).to.equal(budget_actions);
    expect(stops[0]?.kill_reason).to.equal("budget exceeded: max_cost_usd 1, spent 1, needed 0.01");
    expect(held).to.include({
      session_id: stops[1]?.session_id,
      actions: budget_actions,
      reason: "budget exceeded: max_tokens 1000, spent 1000, needed 10",
      raised_from: 1000,
    });
    expect(stops[1]?.actions).to.be.greaterThan(budget_actions);
    for (const { session_id, actions, latency_ms } of stops) {
      expect(verified.sessions[session_id]?.status).to.equal("killed");
      expect(actions).to.be.greaterThan(0);
      expect(latency_ms).to.be.greaterThan(0);
    }
    expect(await readdir(scratch)).to.deep.equal([]);
    expect((await readdir(evidence)).sort()).to.deep.equal(["bundle.json", "log", "trust.json"]);
    expect((await verifyPath(evidence, { require_trust: false, json: false })).exit).to.equal(0);
  });

  for (const [what, happens] of [
    ["is interrupted", (child: ChildProcess) => child.kill("SIGINT")],
    ["loses its terminal", (child: ChildProcess) => child.kill("SIGHUP")],
    ["loses its reader", (child: ChildProcess) => child.stdout?.destroy()],
  ] as const) {
    it(`that ${what} ends its server and its agents, and removes what it wrote`, async () => {
      const scratch = freshFolder();
      const child = launch(["demo"], { env: { TMPDIR: scratch } });
      const closed = once(child, "close");
      const stderr = text(child.stderr);
      await says(child, /runs as sess_/);
      const [folder = ""] = await readdir(scratch);
      const { pid } = JSON.parse(await readFile(join(scratch, folder, "ready.json"), "utf8"));
      happens(child);
      const [status] = await closed;
      expect([status, await stderr]).to.deep.equal([1, "killcord: the demo was interrupted\n"]);
      expect(await readdir(scratch)).to.deep.equal([]);
      expect(() => process.kill(pid, 0)).to.throw("ESRCH");
    });
  }

  it("whose server does not start says why, with 1", async () => {
    const scratch = freshFolder();
    const { status, stderr } = await killcord(["demo"], {
      env: { TMPDIR: scratch },
      program: resolve("dist/test/cli/broken-serve.js"),
    });
    expect(status).to.equal(1);
    expect(stderr)
      .to.contain("the demo's server ended at once")
      .and.to.contain("no space is left on the device");
    expect(await readdir(scratch)).to.deep.equal([]);
  });

  it("that is to keep its evidence among other things refuses before it begins", async () => {
    const folder = freshFolder();
    await mkdir(join(folder, "kept"));
    await writeFile(join(folder, "kept", "bundle.json"), "older");
    const { status, stdout, stderr } = await invoke(["demo", "--keep", join(folder, "kept")]);
    expect([status, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.contain("is not empty");
  });
});

describe("the demo's judgement", () => {
  const stop = (stop_reason: string, more: Partial<Stop> = {}): Stop => ({
    agent_id: "an-agent",
    session_id: "sess_1",
    stopped_by: "something",
    stop_reason,
    kill_reason: "a reason",
    actions: budget_actions,
    latency_ms: 2.5,
    verdict_ms: null,
    asked_again: "terminate",
    ...more,
  });
  const good: Held = {
    agent_id: "a-held-agent",
    session_id: "sess_1",
    actions: budget_actions,
    reason: "a reason",
    raised_from: 1000,
    raised_to: 2000,
    latency_ms: 2.5,
  };
  const judged = (change: Partial<Stop>, place: number, held: Partial<Held> = {}): string => {
    const stops = ["budget_exceeded", "manual", "credential_revoked"].map((reason, at) =>
      stop(reason, at === place ? change : {}),
    );
    try {
      check({ stops, held: { ...good, ...held } });
      return "good";
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("finds nothing in what Killcord promises", () => {
    expect(judged({}, 0)).to.equal("good");
  });
  it("finds a hold that came too late, and one that ended before it was raised", () => {
    expect(judged({}, 0, { actions: budget_actions + 1 })).to.contain(
      `held after ${budget_actions + 1} actions`,
    );
    expect(judged({}, 0, { latency_ms: -1 })).to.contain("1 ms before the raise");
  });
  for (const [claim, change, place, says] of [
    ["another reason", { stop_reason: "ttl_expired" }, 1, "ttl_expired, not manual"],
    ["an allow after the stop", { asked_again: "allow" }, 2, "asked once more: allow, not terminate"],
    [
      "one action too many",
      { actions: budget_actions + 1 },
      0,
      `${budget_actions + 1} actions, not ${budget_actions}`,
    ],
    ["a stop before its cause", { latency_ms: -1 }, 1, "1 ms before the call"],
  ] as const) {
    it(`finds ${claim}`, () => {
      expect(judged(change, place)).to.contain("did not go as it should").and.to.contain(says);
    });
  }
});
