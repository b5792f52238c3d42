import { expect } from "chai";
import { sequenceOf } from "../../src/core/ids.js";
import { Explainer, type Explanation } from "../../src/engine/explanation.js";
import { marksOf } from "../../src/engine/precedence.js";
import { createKey, intercept, kill, pause, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

describe("why a decision is what it is", () => {
  let place: Place;
  let running: Running;
  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });
  afterEach(() => place.remove());

  const ask = async (session_id: string, more: Parameters<typeof intercept>[2] = {}) => {
    await running.engine.submit(intercept(running.admin, session_id, more));
    const decision = (await running.events()).findLast((event) => event.event === "enforcement_decision");
    return decision?.event === "enforcement_decision" ? decision : expect.fail("there is no decision");
  };

  async function explained(decision_id: string): Promise<Explanation> {
    const sequence = sequenceOf("enf", decision_id) as number;
    const explainer = new Explainer(sequence);
    for await (const entry of running.vault.read(0, sequence + 1)) {
      const found = explainer.take(entry);
      if (found !== null && found !== "other") {
        return found;
      }
    }
    throw new Error("there is no such decision");
  }

  const why = async (decision_id: string) => {
    const { decided_by, causes } = await explained(decision_id);
    return [decided_by, ...causes.map(({ event }) => event)];
  };

  it("is told by the step that answered, and by what that follows from", async () => {
    const { admin, engine } = running;
    await engine.submit(start(admin, "s1", { ttl_seconds: 60 }));
    await engine.submit(start(admin, "s2"));
    await engine.submit(start(admin, "s3", { parent_session_id: "s2" }));
    expect(await why((await ask("s1")).decision_id)).to.deep.equal(["policies"]);
    await engine.submit(pause(admin, "s1"));
    const held = await why((await ask("s1")).decision_id);
    expect(held.slice(0, 2)).to.deep.equal(["pause", "session_paused"]);
    await engine.submit(kill(admin, "s2"));
    const killed = await why((await ask("s3")).decision_id);
    expect(killed).to.deep.equal(["standing", "session_killed", "halt_requested"]);
  });

  it("is its ttl where that has just ended, and its standing from then on", async () => {
    const { admin, engine } = running;
    await engine.submit(start(admin, "s1", { ttl_seconds: 1 }));
    place.time.stall(1_000);
    expect(await why((await ask("s1")).decision_id)).to.deep.equal(["ttl", "session_expired"]);
    place.time.stall(1_000);
    expect(await why((await ask("s1")).decision_id)).to.deep.equal(["standing", "session_expired"]);
  });

  it("is a budget, also where that only holds the session", async () => {
    const { admin, engine } = running;
    const budget = { max_tokens: 10, on_exceeded: "pause" } as const;
    await engine.submit(start(admin, "s1", budget));
    const cost = { tokens: 11, cost_usd_micros: 0 };
    expect(await why((await ask("s1", { cost })).decision_id)).to.deep.equal([
      "other_budgets",
      "session_paused",
      "budget_exceeded",
    ]);
    place.time.stall(1_000);
    expect((await why((await ask("s1", { cost })).decision_id))[0]).to.equal("pause");
  });

  it("is a person's word, where one was asked", async () => {
    const { admin, engine } = running;
    await engine.submit({
      type: "change_policy",
      actor: admin,
      request_id: null,
      change: "created",
      policy_id: "f".repeat(32),
      written: { name: "ask first", policy_type: "action_type", decision: "escalate" },
      source: "api",
      repeat: null,
    });
    await engine.submit(start(admin, "s1"));
    const escalated = await ask("s1");
    expect(await why(escalated.decision_id)).to.deep.equal(["policies"]);
    const escalation_id = escalated.escalation_id as string;
    const early = await explained(
      (await ask("s1", { escalation: { escalation_id, same_action: null } })).decision_id,
    );
    expect(early.policies.map(({ policy_id }) => policy_id)).to.deep.equal(["__escalation_pending"]);
    expect(early.silent, "policies are not asked before a person has answered").to.deep.equal([]);
    // Who has asked may not answer.
    await engine.submit(createKey(["approver"]));
    const approver = { key_id: [...engine.state.keys.keys()].at(-1) as string, role: "approver" } as const;
    const answered = await engine.submit({
      type: "resolve_escalation",
      actor: approver,
      request_id: null,
      escalation_id,
      resolution: "approved",
      reason: "go on",
      unseen: true,
    });
    expect(answered.reply.type, JSON.stringify(answered.reply)).to.equal("escalation");
    const allowed = await ask("s1", { escalation: { escalation_id, same_action: null } });
    expect(allowed.decision, allowed.reasoning).to.equal("allow");
    const { causes, policies, decision, decided_by } = await explained(allowed.decision_id);
    const { actions_budget, policies: said, other_budgets } = marksOf(decision, decided_by);
    expect([actions_budget, said, other_budgets]).to.deep.equal(["not asked", "decided", "passed"]);
    expect(causes.map(({ event }) => event)).to.deep.equal(["escalation_resolved", "escalation_opened"]);
    expect(causes[0]?.reason).to.equal(`approved by ${approver.key_id}: go on`);
    expect(policies.map(({ name, version }) => [name, version])).to.deep.equal([["ask first", 1]]);
  });
});
