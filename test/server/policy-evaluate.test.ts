/** A dry run says what an intercept would be answered, and leaves no trace. */
import { expect } from "chai";
import { curl, type Served, serve } from "./served.js";

const path = "/v1/enforce/policies";

describe("an evaluation", () => {
  let server: Served;
  const post = (at: string, body: object) => curl(server, at, server.admin_key, body);
  const evaluate = (body: object) => post(`${path}:evaluate`, body);
  const make = (body: object) => post(path, { policy_type: "action_type", decision: "block", ...body });
  const entries = async () => (await curl(server, "/v1/vault/entries", server.admin_key)).total;
  const names = (triggered: readonly { readonly name: string }[]) => triggered.map(({ name }) => name);

  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.end());

  it("says of a session's next action what the intercept is then answered, and counts nothing meanwhile", async () => {
    await make({ name: "deletes", action_types: ["delete*"], priority: 5 });
    await make({ name: "in shadow", mode: "shadow", decision: "terminate" });
    await make({
      name: "told",
      decision: "allow",
      action_types: ["export"],
      conditions: { warning: "careful" },
    });
    await make({
      name: "twice a minute",
      policy_type: "rate",
      action_types: ["mail"],
      conditions: { by: "session", count: 2, window_seconds: 60 },
    });
    await make({ name: "end", decision: "terminate", action_types: ["drop"] });
    const { session_id } = await post("/v1/enforce/sessions/start", {
      agent_id: "a",
      budgets: { max_actions: 7 },
    });
    for (const action_type of ["read", "delete_user", "export", "mail", "mail", "mail", "read", "read"]) {
      const before = await entries();
      let said: Record<string, unknown> = {};
      for (let i = 0; i < 5; i += 1) {
        said = await evaluate({ session_id, action_type });
      }
      expect(await entries()).to.equal(before);
      const done = await post("/v1/enforce/intercept", { session_id, action_type });
      for (const member of [
        "decision",
        "reasoning",
        "policies_evaluated",
        "policies_triggered",
        "policies_shadowed",
        "warnings",
      ]) {
        expect(said[member], `${action_type}: ${member}`).to.deep.equal(done[member] ?? []);
      }
    }
    expect((await evaluate({ session_id, action_type: "read" })).decision).to.equal("terminate");
  });

  it("judges by the policies of the request in the place of all others, with what was counted so far", async () => {
    await make({ name: "live", action_types: ["read"] });
    const { session_id } = await post("/v1/enforce/sessions/start", {});
    const candidate = {
      name: "tried",
      policy_type: "action_type",
      decision: "escalate",
      action_types: ["mail"],
    };
    const said = await evaluate({ session_id, action_type: "mail", policies: [candidate] });
    expect([said.decision, ...names(said.policies_triggered)]).to.deep.equal(["escalate", "tried"]);
    expect(said.policies_triggered[0].policy_id).to.equal("1".padStart(32, "0"));
    const other = await evaluate({ session_id, action_type: "read", policies: [candidate] });
    expect(other.decision).to.equal("allow");
    const { policies } = await curl(server, path, server.admin_key);
    expect(names(policies)).to.deep.equal(["live"]);
  });

  it("judges the first action of a new session after what came earlier, at the time that is said", async () => {
    await make({
      name: "rate",
      policy_type: "rate",
      conditions: { by: "agent", count: 2, window_seconds: 60 },
    });
    await make({ name: "end", decision: "terminate", action_types: ["drop"] });
    const mail = { action_type: "mail", agent_id: "a" };
    const earlier = (...seconds: readonly number[]) =>
      seconds.map((seconds_before) => ({ action_type: "mail", seconds_before }));
    expect((await evaluate({ ...mail, earlier: earlier(10) })).decision).to.equal("allow");
    expect((await evaluate({ ...mail, earlier: earlier(10, 59) })).decision).to.equal("block");
    expect((await evaluate({ ...mail, earlier: earlier(61, 10) })).decision).to.equal("allow");
    const at = "2030-01-01T00:00:00Z";
    expect((await evaluate({ ...mail, at })).evaluated_at).to.equal(at);
    expect((await evaluate({ action_type: "drop" })).decision).to.equal("terminate");
  });

  it("names every fault of the request and of each policy in it", async () => {
    const candidate = { name: "x", policy_type: "threshold", decision: "block", conditions: { path: "/a" } };
    const outer = await evaluate({ action_type: "a b", policies: [{ ...candidate, name: "" }] });
    expect(outer.error.details.map(({ field }: { field: string }) => field)).to.deep.equal([
      "action_type",
      "policies[0].name",
    ]);
    const wrong = await evaluate({ action_type: "a", policies: [candidate, { ...candidate, name: "y" }] });
    expect(wrong.error.details.map(({ field }: { field: string }) => field).sort()).to.deep.equal([
      "policies[0].conditions.operator",
      "policies[0].conditions.value",
      "policies[1].conditions.operator",
      "policies[1].conditions.value",
    ]);
    const whole = { ...candidate, conditions: { path: "/a", operator: "gt", value: 1 } };
    const twice = await evaluate({ action_type: "a", policies: [whole, whole] });
    expect(twice.error.details[0].field).to.equal("policies[1].name");
    const { session_id } = await post("/v1/enforce/sessions/start", {});
    const both = await evaluate({
      action_type: "a",
      session_id,
      agent_id: "a",
      label: "b",
      at: "2030-01-01T00:00:00Z",
    });
    expect(both.error.details).to.have.length(3);
    const early = await evaluate({ action_type: "a", at: "1960-01-01T00:00:00Z" });
    expect(early.error.details[0].field).to.equal("at");
    const nowhere = await evaluate({ action_type: "a", session_id: "sess_none" });
    expect(nowhere.error.code).to.equal("session_not_found");
  });
});
