/** Budgets of tokens and money over REST, as callers of a real server see them. */
import { expect } from "chai";
import { curl, type Served, serve } from "./served.js";

describe("budgets over REST", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  const post = (path: string, body: object = {}) =>
    curl(server, `/v1/enforce/${path}`, server.admin_key, body);
  const open = async (budgets: object, more: object = {}): Promise<string> => {
    const started = await post("sessions/start", { agent_id: "spender", budgets, ...more });
    expect(started.ok, JSON.stringify(started)).to.equal(true);
    return started.session_id;
  };
  const ask = (session_id: string, more: object = {}) =>
    post("intercept", { session_id, action_type: "call_model", ...more });
  const get = (session_id: string) => curl(server, `/v1/enforce/sessions/${session_id}`, server.admin_key);
  const settle = (decision_id: string, cost: object = {}) =>
    post(`decisions/${decision_id}/settle`, { cost });
  const cancel = (decision_id: string) => post(`decisions/${decision_id}/cancel`);

  it("are written back as they were set: money as text, the ending where an amount is limited", async () => {
    const budgets = {
      max_actions: 10,
      ttl_seconds: 3600,
      max_tokens: 9007199254740991,
      max_cost_usd: 2.5e-3,
      idle_timeout_seconds: 60,
      max_depth: 2,
      max_concurrent: 3,
      on_exceeded: "pause",
      warn_at_percent: [80, 50],
    };
    const { budgets: shown } = await get(await open(budgets));
    expect(shown).to.deep.equal({ ...budgets, max_cost_usd: "0.0025", warn_at_percent: [50, 80] });
    expect((await get(await open({ max_cost_usd: "12.50" }))).budgets).to.deep.equal({
      max_cost_usd: "12.5",
      on_exceeded: "terminate",
    });
    expect((await get(await open({ max_depth: 1, ttl_seconds: 60 }))).budgets).to.deep.equal({
      ttl_seconds: 60,
      max_depth: 1,
    });
  });

  it("are refused when they cannot be kept exactly, over every spelling", async () => {
    for (const [name, value] of [
      ["max_cost_usd", "0.0000001"],
      ["max_cost_usd", "-1"],
      ["max_cost_usd", "9007199254.740992"],
      ["max_cost_usd", ""],
      ["max_cost_usd", 1e-7],
      ["max_cost_usd", true],
      ["max_tokens", -1],
      ["max_tokens", "9007199254740992"],
      ["max_tokens", 1.5],
      ["max_depth", 0],
      ["max_depth", 9],
      ["max_concurrent", 1001],
      ["warn_at_percent", [100]],
      ["warn_at_percent", [50, 50]],
      ["warn_at_percent", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
      ["on_exceeded", "stop"],
    ] as const) {
      const { ok, error } = await post("sessions/start", { budgets: { [name]: value } });
      expect([ok, error?.code], `${name} ${value}`).to.deep.equal([false, "invalid_argument"]);
      expect(error.details[0].field).to.match(new RegExp(`^budgets\\.${name}`));
    }
    const { error } = await post("sessions/start", { budgets: { max_wishes: 3 } });
    expect(error.code).to.equal("unknown_field");
  });

  it("charge what an action costs to the micro-USD, and say what is left and what to do", async () => {
    const id = await open({ max_actions: 10, max_tokens: 100, max_cost_usd: "1", ttl_seconds: 3600 });
    const first = await ask(id, { cost: { tokens: 40, cost_usd: 0.000001 } });
    expect(first).to.include({ decision: "allow", next_step: "Do the action." });
    expect(first.consumed).to.include({ actions: 1, tokens: 40, cost_usd_micros: 1 });
    const { ttl_seconds, ...left } = first.budget_left;
    expect(left).to.deep.equal({ actions: 9, tokens: 60, cost_usd_micros: 999_999 });
    expect(ttl_seconds).to.be.within(3590, 3600);
    expect(first).not.to.have.any.keys("reserved", "warnings", "policies_shadowed", "escalation_id");
    const second = await ask(id, { cost: { tokens: "60", cost_usd: "0.999999" } });
    expect(second.budget_left).to.include({ actions: 8, tokens: 0, cost_usd_micros: 0 });
    const third = await ask(id, { cost: { cost_usd: "0.000001" } });
    expect(third).to.include({
      decision: "terminate",
      stop_reason: "budget_exceeded",
      reasoning: "budget exceeded: max_cost_usd 1, spent 1, needed 0.000001",
      next_step: "Stop the run, then acknowledge halt_id.",
    });
    expect(third.consumed).to.include({ actions: 2, tokens: 100, cost_usd_micros: 1_000_000 });
    expect(await get(id)).to.include({ status: "killed", kill_reason: third.reasoning });
  });

  it("hold an estimate until it is settled, and give back what is not needed", async () => {
    const id = await open({ max_tokens: 100 });
    const held = await ask(id, { estimate: { tokens: 80 } });
    expect(held).to.include({ decision: "allow" });
    expect(held.reserved).to.deep.equal({ tokens: 80, cost_usd_micros: 0 });
    expect(held.budget_left.tokens).to.equal(20);
    expect(held.next_step).to.match(/^Do the action, then settle/);
    const other = await ask(id, { cost: { tokens: 30 } });
    expect(other).to.include({ decision: "block", session_status: "active" });
    expect(other.policies_triggered[0].policy_id).to.equal("__budget_reserved");
    expect(other.next_step).to.match(/settle or cancel/);
    const settled = await settle(held.decision_id, { tokens: 50 });
    expect(settled).to.deep.include({
      ok: true,
      decision_id: held.decision_id,
      outcome: "settled",
      spent: { tokens: 50, cost_usd_micros: 0 },
      reported: { tokens: 50, cost_usd_micros: 0 },
      session_status: "active",
    });
    expect(settled.consumed).to.include({ actions: 2, tokens: 50 });
    expect(settled).not.to.have.property("reserved");
    expect(await ask(id, { cost: { tokens: 50 } })).to.include({ decision: "allow" });
    const { decision } = await curl(server, `/v1/enforce/decisions/${held.decision_id}`, server.admin_key);
    expect(decision.reservation).to.deep.equal({ tokens: 80, cost_usd_micros: 0 });
    expect(decision).not.to.have.any.keys("charge", "policy_set_digest", "warnings");
  });

  it("keep what a settle reports beyond the limit as overrun, which the next action meets", async () => {
    const id = await open({ max_cost_usd: "1" });
    const { decision_id } = await ask(id, { estimate: { cost_usd: "0.5" } });
    const settled = await settle(decision_id, { cost_usd: "1.25" });
    expect(settled.spent.cost_usd_micros).to.equal(1_000_000);
    expect(settled.reported.cost_usd_micros).to.equal(1_250_000);
    const session = await get(id);
    expect(session.consumed.cost_usd_micros).to.equal(1_000_000);
    expect(session.overrun).to.deep.equal({ tokens: 0, cost_usd_micros: 250_000 });
    const next = await ask(id, { cost: {} });
    expect(next).to.include({
      decision: "terminate",
      reasoning: "budget exceeded: max_cost_usd 1, spent 1, needed 0.25",
    });
  });

  it("close a reservation once: a repeat is answered, another cost or a settle after a cancel is refused", async () => {
    const id = await open({ max_tokens: 100 });
    const [one, two] = [
      await ask(id, { estimate: { tokens: 10 } }),
      await ask(id, { estimate: { tokens: 20 } }),
    ];
    const settled = await settle(one.decision_id, { tokens: 7 });
    expect(await settle(one.decision_id, { tokens: 7 })).to.deep.equal(settled);
    const other = await settle(one.decision_id, { tokens: 8 });
    expect([other.ok, other.error?.code]).to.deep.equal([false, "reservation_closed"]);
    expect(await cancel(one.decision_id)).to.include({ outcome: "settled" });
    const cancelled = await cancel(two.decision_id);
    expect(cancelled).to.deep.include({ outcome: "cancelled", spent: { tokens: 0, cost_usd_micros: 0 } });
    expect(cancelled).not.to.have.any.keys("reported", "reserved");
    expect(await cancel(two.decision_id)).to.deep.equal(cancelled);
    expect((await settle(two.decision_id)).error?.code).to.equal("reservation_closed");
    const plain = await ask(id);
    expect((await settle(plain.decision_id)).error?.code).to.equal("reservation_not_found");
    expect((await settle("enf_ffffffffffff")).error?.code).to.equal("decision_not_found");
    expect((await get(id)).consumed).to.include({ actions: 3, tokens: 7 });
  });

  it("are settled on a stopped session too, and revive nothing", async () => {
    const id = await open({ max_tokens: 100 });
    const { decision_id } = await ask(id, { estimate: { tokens: 60 } });
    const killed = await post(`sessions/${id}/kill`);
    expect(killed.reserved).to.deep.equal({ tokens: 60, cost_usd_micros: 0 });
    const settled = await settle(decision_id, { tokens: 5 });
    expect(settled).to.include({ session_status: "killed", outcome: "settled" });
    const { status, consumed, reserved } = await get(id);
    expect([status, consumed.tokens, reserved]).to.deep.equal(["killed", 5, undefined]);
  });

  it("pause where that is asked for, and a raise lets the run go on", async () => {
    const id = await open({ max_tokens: 100, on_exceeded: "pause" });
    await ask(id, { cost: { tokens: 90 } });
    const held = await ask(id, { cost: { tokens: 20 } });
    expect(held).to.include({
      decision: "block",
      session_status: "paused",
      reasoning: "budget exceeded: max_tokens 100, spent 90, needed 20",
    });
    expect(held.next_step).to.match(/until an operator raises the budget/);
    expect(held.consumed).to.include({ actions: 1, tokens: 90 });
    const raise = (budgets: object) => post(`sessions/${id}/budgets`, { budgets, reason: "more work" });
    expect(await raise({ max_tokens: 105 })).to.deep.include({ status: "paused" });
    const raised = await raise({ max_tokens: 200 });
    expect(raised).to.include({ status: "active" });
    expect(raised.budgets).to.deep.equal({ max_tokens: 200, on_exceeded: "pause" });
    expect(await ask(id, { cost: { tokens: 20 } })).to.include({ decision: "allow" });
  });

  it("only rise, and only where there are some", async () => {
    const id = await open({ max_tokens: 100, ttl_seconds: 600 });
    const raise = (budgets: object | null) => post(`sessions/${id}/budgets`, { budgets });
    for (const [budgets, field] of [
      [{ max_tokens: 99 }, "budgets.max_tokens"],
      [{ max_cost_usd: 1 }, "budgets.max_cost_usd"],
      [{ max_depth: 3 }, "budgets.max_depth"],
      [{ idle_timeout_seconds: 60 }, "budgets.idle_timeout_seconds"],
      [{ on_exceeded: "pause" }, "budgets.on_exceeded"],
      [{ warn_at_percent: [5] }, "budgets.warn_at_percent"],
      [{ max_cost_usd: "0.0000001" }, "budgets.max_cost_usd"],
      [null, "budgets"],
    ] as const) {
      const { error } = await raise(budgets);
      expect(error?.code, JSON.stringify(budgets)).to.equal("invalid_argument");
      expect(error.details[0].field).to.equal(field);
    }
    const { error } = await raise({ max_tokens: 99, max_actions: 5 });
    expect(error.message).to.match(/max_actions: the session has no such limit.*max_tokens: .*force is 100/);
    expect((await raise({ max_token: 5 })).error.code).to.equal("unknown_field");
    const later = await raise({ ttl_seconds: 1200, max_tokens: 100 });
    expect(Date.parse(later.expires_at) - Date.parse(later.started_at)).to.equal(1_200_000);
    await post(`sessions/${id}/kill`);
    expect((await raise({ max_tokens: 500 })).error.code).to.equal("session_not_active");
  });

  it("of a parent are drawn on by its children, and its end is theirs", async () => {
    const parent = await open({ max_cost_usd: "1" });
    const child = await open({ max_cost_usd: "5" }, { parent_session_id: parent });
    const first = await ask(child, { cost: { cost_usd: "0.75" } });
    expect(first.budget_left).to.include({ cost_usd_micros: 250_000 });
    const last = await ask(child, { cost: { cost_usd: "0.5" } });
    expect(last).to.include({ decision: "terminate", stop_reason: "parent_stopped" });
    expect(await get(parent)).to.include({ status: "killed", stop_reason: "budget_exceeded" });
  });

  it("warn once at each part of a limit that is reached, in the verdict", async () => {
    const id = await open({ max_tokens: 100, warn_at_percent: [50, 80] });
    const ids: unknown[] = [];
    for (let tokens = 0; tokens < 90; tokens += 15) {
      ids.push((await ask(id, { cost: { tokens: 15 } })).warnings);
    }
    const warning = (message: string) => [{ policy_id: "__soft_limit", message }];
    expect(ids).to.deep.equal([
      undefined,
      undefined,
      undefined,
      warning("50% of max_tokens 100 are used up: 60 spent"),
      undefined,
      warning("80% of max_tokens 100 are used up: 90 spent"),
    ]);
  });

  it("warn in the settlement that reaches a part of a limit, and not in a repeat of it", async () => {
    const id = await open({ max_tokens: 100, warn_at_percent: [50] });
    const { decision_id, warnings } = await ask(id, { estimate: { tokens: 90 } });
    expect(warnings).to.equal(undefined);
    const settled = await settle(decision_id, { tokens: 60 });
    expect(settled.warnings).to.deep.equal([
      { policy_id: "__soft_limit", message: "50% of max_tokens 100 are used up: 60 spent" },
    ]);
    expect((await settle(decision_id, { tokens: 60 })).warnings).to.equal(undefined);
  });

  it("bound how many actions run at once, and how deep sub-sessions go", async () => {
    const id = await open({ max_concurrent: 1, max_depth: 1 });
    const one = await ask(id, { estimate: {} });
    const two = await ask(id, { estimate: {} });
    expect(two.policies_triggered[0]?.policy_id).to.equal("__max_concurrent");
    await cancel(one.decision_id);
    expect(await ask(id, { estimate: {} })).to.include({ decision: "allow" });
    const child = await open({}, { parent_session_id: id });
    const deeper = await post("sessions/start", { parent_session_id: child });
    expect(deeper.error.code).to.equal("session_not_active");
  });

  it("are asked of one action in one way: cost or estimate, and an estimate needs a session", async () => {
    const id = await open({});
    for (const [body, field] of [
      [{ cost: { tokens: 1 }, estimate: { tokens: 1 } }, "estimate"],
      [{ session_id: null, estimate: { tokens: 1 } }, "estimate"],
      [{ cost: { tokens: -1 } }, "cost.tokens"],
      [{ cost: { cost_usd: "0.0000001" } }, "cost.cost_usd"],
      [{ estimate: { cost_usd: -0.5 } }, "estimate.cost_usd"],
      [{ cost: 5 }, "cost"],
    ] as const) {
      const { error } = await ask(id, body);
      expect(error?.code, JSON.stringify(body)).to.equal("invalid_argument");
      expect(error.details[0].field).to.equal(field);
    }
    // A cost that nobody counts is worse than none.
    const { error } = await ask(id, { cost: { token: 1 } });
    expect(error).to.deep.include({ code: "unknown_field", message: "unknown field: cost.token" });
  });

  it("count a retry once, with its estimate", async () => {
    const id = await open({ max_tokens: 100 });
    const body = { estimate: { tokens: 60 }, idempotency_key: "once" };
    const [first, again] = [await ask(id, body), await ask(id, body)];
    expect(again.decision_id).to.equal(first.decision_id);
    expect((await get(id)).reserved.tokens).to.equal(60);
    expect((await ask(id, { ...body, estimate: { tokens: 61 } })).error.code).to.equal(
      "idempotency_key_mismatch",
    );
  });
});
