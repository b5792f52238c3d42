import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { command, curl, freshFolder, type Served, serve } from "../server/served.js";

const transfers = `
name: large transfers
policy_type: threshold
decision: block
priority: 10
action_types: ["transfer*"]
conditions: {path: /amount, operator: gt, value: 100, missing: pass}
`;
const careful = `
name: every transfer waits
policy_type: action_type
decision: escalate
action_types: ["transfer*"]
`;
const text_reader = `
name: going round
policy_type: loop
decision: block
conditions: {count: 2, window_seconds: 60}
`;

describe("killcord policy explain and policy replay", function () {
  // Each command is a process of its own, and beginning one takes a second on a busy machine.
  this.timeout(30_000);
  let server: Served;
  let folder: string;
  let evidence: string;
  const decisions: Record<string, string> = {};
  let session_id: string;

  before(async () => {
    folder = freshFolder();
    mkdirSync(join(folder, "then"));
    mkdirSync(join(folder, "next"));
    writeFileSync(join(folder, "then", "transfers.yaml"), transfers);
    writeFileSync(join(folder, "next", "careful.yaml"), careful);
    server = await serve();
    const applied = await online("policy", "apply", join(folder, "then"));
    expect(applied.status, applied.stderr).to.equal(0);
    const ask = async (name: string, amount: number) => {
      const body = {
        session_id,
        action_type: "transfer_funds",
        action_content: "hunter2",
        metadata: { amount },
      };
      decisions[name] = (await curl(server, "/v1/enforce/intercept", server.admin_key, body)).decision_id;
    };
    const budgets = { max_actions: 3, max_cost_usd: "1.5" };
    const started = { agent_id: "pay-bot", budgets };
    session_id = (await curl(server, "/v1/enforce/sessions/start", server.admin_key, started)).session_id;
    await ask("small", 50.5);
    await ask("large", 500);
    await online("policy", "apply", join(folder, "next"), "--prune");
    await ask("later", 500);
    await ask("spent", 1);
    await ask("after", 1);
    // Evidence goes up to the newest checkpoint.
    await curl(server, `/v1/enforce/decisions/${decisions.after}/receipt`, server.admin_key);
    evidence = join(folder, "evidence");
    const exported = await online("export", "--out", evidence);
    expect(exported.status, exported.stderr).to.equal(0);
  });
  after(async () => {
    await server.end();
  });

  const online = (...words: string[]) =>
    command(words, { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key });
  const json = async (...words: string[]) => {
    const { stdout, stderr, status } = await online(...words, "--json");
    expect(status, stderr).to.equal(0);
    return JSON.parse(stdout);
  };
  const explained = (name: string, ...more: string[]) =>
    json("policy", "explain", decisions[name] ?? "", ...more);

  it("explains a block by the policy as it was then, though it is gone", async () => {
    const found = await explained("large");
    expect(found).to.deep.include({
      decision: "block",
      decided_by: "policies",
      session_id,
      next_step: "Do not do the action: go on without it, or by another way.",
      causes: [],
      policies_silent: [],
    });
    expect(found.policies).to.have.length(1);
    expect(found.policies[0]).to.deep.include({ name: "large transfers", version: 1, decision: "block" });
    expect(found.policies[0].document.conditions.value).to.equal(100);
    const own = found.budgets.find(({ is_own }: { is_own: boolean }) => is_own);
    const units = Object.fromEntries(own.units.map((each: { unit: string }) => [each.unit, each]));
    expect(units.actions).to.deep.include({ limit: 3, spent: 2, left: 1 });
    expect(units.cost_usd_micros).to.deep.include({ limit: 1_500_000, spent: 0, left: 1_500_000 });
    expect(units.tokens).to.deep.include({ limit: null, left: null });
  });

  it("explains what was allowed, and which policies had nothing to say", async () => {
    const found = await explained("small");
    expect(found).to.deep.include({ decision: "allow", decided_by: "policies", policies: [] });
    expect(found.policies_silent).to.deep.equal([
      { policy_id: found.policies_silent[0].policy_id, name: "large transfers", version: 1 },
    ]);
  });

  it("explains a stop by its causes, and what met it afterwards by its standing", async () => {
    const spent = await explained("spent");
    expect(spent).to.deep.include({ decision: "terminate", decided_by: "actions_budget" });
    expect(spent.causes.map(({ event }: { event: string }) => event)).to.deep.equal([
      "session_killed",
      "budget_exceeded",
    ]);
    expect(spent.causes[1].reason).to.equal(`actions 3 of ${session_id}`);
    const after = await explained("after");
    expect(after).to.deep.include({ decision: "terminate", decided_by: "standing" });
    expect(after.causes).to.deep.equal(spent.causes);
  });

  it("says the same from an export", async () => {
    for (const name of Object.keys(decisions)) {
      expect(await explained(name, "--export", evidence), name).to.deep.equal(await explained(name));
    }
  });

  it("prints it for people", async () => {
    const { stdout } = await online("policy", "explain", decisions.large ?? "");
    expect(stdout).to.include('block: policy "large transfers" blocks this');
    expect(stdout).to.match(/ 9 {2}decided {4}what do the policies say/);
    expect(stdout).to.match(/10 {2}not asked/);
    expect(stdout).to.not.include("hunter2");
  });

  it("knows no decision that is not there", async () => {
    for (const id of ["enf_000000000000", "enf_1", "sess_000000000000"]) {
      const { status, stderr } = await online("policy", "explain", id, "--json");
      expect(status).to.equal(1);
      expect(JSON.parse(stderr).error.code).to.equal("decision_not_found");
    }
  });

  it("replays candidates over the log of a server, and over an export likewise", async () => {
    const next = join(folder, "next", "careful.yaml");
    const found = await json("policy", "replay", next, "--since", "1h");
    expect(found).to.deep.include({
      decisions: 5,
      changed: 2,
      uncertain: 0,
      before: { allow: 1, block: 1, escalate: 1, terminate: 2 },
      after: { escalate: 3, terminate: 2 },
      changes: { "allow -> escalate": 1, "block -> escalate": 1 },
      standings: { judged: 3, before_policies: 2 },
    });
    expect(found.policies).to.deep.equal([
      {
        name: "every transfer waits",
        decision: "escalate",
        mode: "live",
        enabled: true,
        triggered: 3,
        changed: 2,
        not_judged: 0,
        not_replayable: null,
      },
    ]);
    expect(found.by_agent).to.deep.equal([{ id: "pay-bot", changed: 2, changes: found.changes }]);
    expect(found.listed.map((each: { decision_id: string }) => each.decision_id)).to.deep.equal([
      decisions.small,
      decisions.large,
    ]);
    expect(await json("policy", "replay", next, "--since", "1h", "--export", evidence)).to.deep.equal(found);
    expect((await json("policy", "replay", next, "--since", "0s")).decisions).to.equal(0);
  });

  it("guesses nothing about texts, and prints which policies need them", async () => {
    const file = join(folder, "text.yaml");
    writeFileSync(file, text_reader);
    const found = await json("policy", "replay", file, "--since", "1h");
    expect(found.policies[0].not_replayable).to.include("never sealed");
    expect(found.policies[0]).to.deep.include({ triggered: 0, not_judged: 3 });
    const { stdout } = await online("policy", "replay", file, "--since", "1h");
    expect(stdout).to.include("not replayable");
  });

  it("names what is wrong in a file, with its place", async () => {
    const file = join(folder, "wrong.yaml");
    writeFileSync(file, "name: x\npolicy_type: nothing\ndecision: block\n");
    const { status, stderr } = await online("policy", "replay", file);
    expect(status).to.equal(1);
    expect(stderr).to.match(/wrong\.yaml:2:\d+/);
  });

  it("reads the data directory of a stopped server", async () => {
    const { data } = server;
    const before = await explained("large");
    await server.end();
    expect(await explained("large", "--data", data)).to.deep.equal(before);
    const next = join(folder, "next");
    expect((await json("policy", "replay", next, "--since", "1h", "--data", data)).changed).to.equal(2);
  });
});
