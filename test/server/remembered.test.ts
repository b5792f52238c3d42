/** Policies that remember, on a real server over REST: budgets that they give, counts that outlive a SIGKILL. */
import { join } from "node:path";
import { expect } from "chai";
import { killcord } from "../cli/killcord.js";
import { freshFolder, type Served, serve } from "./served.js";

interface Reply {
  readonly ok: boolean;
  readonly session_id: string;
  readonly decision: string;
  readonly decision_id: string;
  readonly reasoning: string;
  readonly budgets: Readonly<Record<string, unknown>>;
  readonly policies_triggered: readonly { readonly name: string; readonly version: number }[];
  readonly warnings?: readonly { readonly policy_id: string }[];
  readonly error: { readonly code: string; readonly message: string };
}

describe("policies that remember, on a server", function () {
  this.timeout(30_000);
  let server: Served;

  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.end());

  async function post(path: string, body: object): Promise<Reply & { readonly status: number }> {
    const reply = await fetch(`${server.url}/v1/enforce/${path}`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: JSON.stringify(body),
    });
    return { ...((await reply.json()) as Reply), status: reply.status };
  }

  async function set(name: string, policy_type: string, decision: string, conditions: object): Promise<void> {
    expect(await post("policies", { name, policy_type, decision, conditions })).to.include({ status: 200 });
  }

  const start = (more: object = {}) => post("sessions/start", { agent_id: "loan-bot", ...more });
  const act = ({ session_id }: Reply, more: object = {}) =>
    post("intercept", { session_id, action_type: "think", ...more });

  it("a default and a ceiling show in the reply to a start, and what is above is refused", async () => {
    await set("given", "default", "allow", { budgets: { max_actions: 7, on_exceeded: "pause" } });
    await set("most", "ceiling", "allow", { budgets: { max_cost_usd: "2.50" } });
    await set("strict", "ceiling", "block", { label: "nightly*", budgets: { max_tokens: 100 } });
    expect((await start()).budgets).to.deep.include({
      max_actions: 7,
      max_cost_usd: "2.5",
      on_exceeded: "pause",
    });
    expect((await start({ budgets: { max_cost_usd: 1000 } })).budgets).to.include({ max_cost_usd: "2.5" });
    const refused = await start({ label: "nightly", budgets: { max_tokens: 101 } });
    expect([refused.status, refused.error.code]).to.deep.equal([400, "above_ceiling"]);
    expect(refused.error.message).to.equal(
      'max_tokens 101 is above the ceiling of max_tokens 100: policy "strict"',
    );
    const session = await start({ label: "nightly", budgets: { max_tokens: 100 } });
    const raised = await post(`sessions/${session.session_id}/budgets`, { budgets: { max_tokens: 101 } });
    expect([raised.status, raised.error.code]).to.deep.equal([400, "above_ceiling"]);
  });

  it("counts are as they were after a SIGKILL, and the export verifies", async () => {
    await set("daily", "window", "block", { by: "agent", period: "month", max_cost_usd: "1.00" });
    await set("slow", "rate", "block", { by: "label", count: 3, window_seconds: 86_400 });
    const [one, two, other] = [
      await start(),
      await start(),
      await start({ agent_id: "mail-bot", label: "x" }),
    ];
    const held = await act(one, { estimate: { cost_usd: "0.60" } });
    expect(held.decision).to.equal("allow");
    for (const expected of ["allow", "allow", "allow", "block"]) {
      expect((await act(other)).decision).to.equal(expected);
    }
    await server.end("SIGKILL");
    server = await serve({ data: server.data });
    expect(await act(two, { cost: { cost_usd: "0.41" } })).to.include({
      decision: "block",
      reasoning:
        'policy "daily" blocks this: reservations that are not settled yet hold the rest of agent "loan-bot" this month (UTC)',
    });
    expect((await act(other)).policies_triggered[0]).to.include({ name: "slow", version: 1 });
    await post(`decisions/${held.decision_id}/settle`, { cost: { cost_usd: "0.10" } });
    await server.end("SIGKILL");
    server = await serve({ data: server.data });
    expect((await act(two, { cost: { cost_usd: "0.90" } })).decision).to.equal("allow");
    const over = await act(one, { cost: { cost_usd: "0.000001" } });
    expect(over.decision).to.equal("block");
    expect(over.policies_triggered[0]).to.include({ name: "daily", version: 1 });
    const folder = join(freshFolder(), "evidence");
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    const exported = await killcord(["export", "--out", folder], { env });
    expect(exported.status, exported.stderr).to.equal(0);
    const verified = await killcord(["verify", folder]);
    expect(verified.status, `${verified.stdout}${verified.stderr}`).to.equal(0);
  });

  it("warns of a loop without any policy, and over REST the verdict stays an allow", async () => {
    const session = await start();
    for (let i = 1; i < 10; i++) {
      expect((await act(session, { action_content: "again" })).warnings ?? []).to.deep.equal([]);
    }
    const tenth = await act(session, { action_content: "again" });
    expect(tenth.decision).to.equal("allow");
    expect(tenth.warnings?.map(({ policy_id }) => policy_id)).to.deep.equal(["__loop"]);
  });
});
