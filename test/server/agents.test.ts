/** What registering an agent again changes, and whose actions count in its figures. */
import { expect } from "chai";
import { curl, type Served, serve } from "./served.js";

describe("an agent that is registered again", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  const post = (path: string, body: object, key = server.admin_key) => curl(server, path, key, body);

  it("keeps what the repeat leaves out, and takes what it names", async () => {
    await post("/v1/enforce/agents", {
      name: "loan-bot",
      framework: "langgraph",
      description: "scores loans",
      capabilities: ["read"],
      owner: "team-credit",
      risk_class: { level: 2, weight: 0.5 },
    });
    const { agent, created } = await post("/v1/enforce/agents", {
      name: "loan-bot",
      owner: "team-risk",
      purpose: "scoring",
    });
    expect(created).to.equal(false);
    expect(agent).to.deep.include({
      framework: "langgraph",
      description: "scores loans",
      capabilities: ["read"],
      declared: { owner: "team-risk", purpose: "scoring", risk_class: { level: 2, weight: 0.5 } },
    });
    const again = await post("/v1/enforce/agents", { name: "loan-bot", description: null, capabilities: [] });
    expect(again.agent).to.deep.equal(agent);
  });

  it("says in words that its credential was revoked, and how to issue another", async () => {
    const { credential } = await post("/v1/enforce/agents", { name: "trade bot" });
    const good = await post("/v1/enforce/agents", { name: "trade bot" });
    expect(good).not.to.have.property("warning");
    await post(`/v1/enforce/credentials/${credential.credential_id}/revoke`, {});
    const { credential: shown, warning } = await post("/v1/enforce/agents", { name: "trade bot" });
    expect(shown).to.include({ credential_id: credential.credential_id, status: "revoked" });
    const path = /POST (\S+)/.exec(warning)?.[1] ?? "";
    expect((await post(path, {})).credential.status).to.equal("active");
  });

  it("counts an action that only names it for a key of its own, and not for one of nobody's", async () => {
    await post("/v1/enforce/agents", { name: "counted" });
    const total = async () => (await curl(server, "/v1/enforce/agents/counted", server.admin_key)).agent;
    const action = { agent_id: "counted", action_type: "look" };
    const unbound = await post("/v1/keys", { name: "unbound", roles: ["agent"] });
    expect((await post("/v1/enforce/intercept", action, unbound.secret)).decision).to.equal("allow");
    const nameless = await post("/v1/enforce/sessions/start", {}, unbound.secret);
    const inside = { ...action, session_id: nameless.session_id };
    expect((await post("/v1/enforce/intercept", inside, unbound.secret)).decision).to.equal("allow");
    expect(await total())
      .to.include({ total_actions: 0 })
      .and.not.have.property("last_seen_at");
    const bound = await post("/v1/keys", { name: "bound", roles: ["agent"], agent_id: "counted" });
    await post("/v1/enforce/intercept", action, bound.secret);
    await post("/v1/enforce/intercept", action);
    expect(await total()).to.include({ total_actions: 2 });
  });
});
