import { expect } from "chai";
import fc from "fast-check";
import { idAt } from "../../src/core/ids.js";
import type { JsonObject } from "../../src/core/policy/document.js";
import { parsePolicy } from "../../src/core/policy/parse.js";
import { PolicyReplay, type ReplayedDecision } from "../../src/engine/policy-replay.js";
import { interceptWith, kill, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

type Written = JsonObject & { readonly name: string };

const idOf = (i: number) => i.toString(16).padStart(32, "0");

async function put(running: Running, written: Written, i: number): Promise<void> {
  const outcome = await running.engine.submit({
    type: "change_policy",
    actor: running.admin,
    request_id: null,
    change: "created",
    policy_id: idOf(i),
    written,
    source: "file",
    repeat: null,
  });
  expect(outcome.reply.type, JSON.stringify(outcome.reply)).to.equal("policy");
}

interface Action {
  readonly session_id: string | null;
  readonly action_type: string;
  readonly amount?: number;
  readonly content?: string;
  readonly cost?: number;
  readonly estimate?: number;
}

/** Returns the id of the decision; null where there was none. */
async function ask({ engine, admin }: Running, action: Action): Promise<string | null> {
  const { session_id, action_type, amount, content, cost, estimate } = action;
  const metadata = amount === undefined ? null : { payment: { amount } };
  const [command, enclosed] = interceptWith(admin, session_id, {
    action_content: content ?? null,
    metadata,
  });
  const amounts = (cost_usd_micros?: number) =>
    cost_usd_micros === undefined ? null : { tokens: 0, cost_usd_micros };
  const more = { action_type, metadata, content: content ?? null };
  const { reply } = await engine.submit(
    { ...command, ...more, cost: amounts(cost), estimate: amounts(estimate) },
    enclosed,
  );
  return reply.type === "verdict" ? idAt("enf", reply.sequence) : null;
}

/** Where nothing is held for the decision, this is refused, and nothing is sealed. */
async function settle({ engine, admin }: Running, decision_id: string, cost_usd_micros: number) {
  const reported = { tokens: 0, cost_usd_micros };
  await engine.submit({ type: "settle", actor: admin, request_id: null, decision_id, reported });
}

/** Every decision of the log, judged by candidates. */
async function replayed(
  { vault }: Running,
  candidates: readonly Written[],
  erased: (sequence_number: number) => boolean = () => false,
): Promise<readonly ReplayedDecision[]> {
  const replay = new PolicyReplay(
    candidates.map((written, i) => parsePolicy(written, { policy_id: idOf(i), source: "file" })),
  );
  const decisions: ReplayedDecision[] = [];
  for await (const entry of vault.read(0, vault.head().size)) {
    const details = erased(entry.sequence_number) ? null : entry.details;
    const decision = replay.take({ ...entry, details });
    if (decision !== null) {
      decisions.push(decision);
    }
  }
  return decisions;
}

const changes = (decisions: readonly ReplayedDecision[]) =>
  decisions.map(({ before, after, standing }) => `${before} ${after} ${standing}`);

const transfers: Written = {
  name: "large transfers",
  policy_type: "threshold",
  decision: "block",
  action_types: ["transfer*"],
  conditions: { path: "/payment/amount", operator: "gt", value: 99.5, missing: "pass" },
};
const pace: Written = {
  name: "pace",
  policy_type: "rate",
  decision: "block",
  conditions: { by: "session", count: 3, window_seconds: 60, counts: "allowed" },
};
const purge: Written = {
  name: "purge",
  policy_type: "action_type",
  decision: "terminate",
  action_types: ["purge_*"],
  conditions: {},
};
const daily: Written = {
  name: "daily money",
  policy_type: "window",
  decision: "block",
  conditions: { by: "agent", period: "day", zone: "UTC", max_cost_usd: "0.00005" },
};
const read_then_send: Written = {
  name: "read then send",
  policy_type: "sequence",
  decision: "escalate",
  conditions: { steps: ["read_*", "send_*"], by: "session" },
};

const office_hours: Written = {
  name: "mail at night",
  policy_type: "temporal",
  decision: "block",
  action_types: ["send_*"],
  conditions: {
    zone: "UTC",
    days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    from: "00:02",
    to: "23:59",
  },
};
const dear_reads: Written = {
  name: "dear reads",
  policy_type: "cel",
  decision: "block",
  action_types: ["read_*"],
  conditions: { expression: "has(metadata.payment) && metadata.payment.amount > 99.6" },
};
const secrets: Written = {
  name: "secrets",
  policy_type: "content_pattern",
  decision: "block",
  conditions: { patterns: ["hunter[0-9]"] },
};

describe("a replay of policies", () => {
  let place: Place;
  let running: Running;
  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
  });
  afterEach(() => place.remove());

  const open = (session_id: string) => running.engine.submit(start(running.admin, session_id));

  it("finds what a stricter policy would have refused, and by which", async () => {
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 99.4 });
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 99.6 });
    await ask(running, { session_id: "s1", action_type: "read_file", amount: 1000 });
    const decisions = await replayed(running, [transfers]);
    expect(changes(decisions)).to.deep.equal([
      "allow allow judged",
      "allow block judged",
      "allow allow judged",
    ]);
    expect(decisions[1]?.triggered.map(({ name }) => name)).to.deep.equal(["large transfers"]);
    expect(decisions[1]?.after_reason).to.include("large transfers");
  });

  it("finds what a policy of then refused and these would not have", async () => {
    await put(running, transfers, 7);
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 100 });
    expect(changes(await replayed(running, []))).to.deep.equal(["block allow judged"]);
  });

  it("counts what the candidates would have allowed, not what was", async () => {
    await open("s1");
    // By then all five are allowed; of the first three the second would have been blocked, and not counted.
    for (const amount of [1, 100, 1, 1, 1]) {
      await ask(running, { session_id: "s1", action_type: "transfer_funds", amount });
    }
    expect((await replayed(running, [transfers, pace])).map(({ after }) => after)).to.deep.equal([
      "allow",
      "block",
      "allow",
      "allow",
      "block",
    ]);
    place.time.pass(61_000);
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 1 });
    expect((await replayed(running, [transfers, pace])).at(-1)?.after).to.equal("allow");
  });

  it("counts no money of what a candidate would have refused", async () => {
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 100, cost: 40 });
    await ask(running, { session_id: "s1", action_type: "look", cost: 40 });
    await ask(running, { session_id: "s1", action_type: "look", cost: 20 });
    expect((await replayed(running, [transfers, daily])).map(({ after }) => after)).to.deep.equal([
      "block",
      "allow",
      "block",
    ]);
  });

  it("marks what comes after a session would have been stopped, also below it", async () => {
    await open("s1");
    await running.engine.submit(start(running.admin, "s2", { parent_session_id: "s1" }));
    await open("other");
    await ask(running, { session_id: "s1", action_type: "purge_all" });
    await ask(running, { session_id: "s1", action_type: "read_file" });
    await ask(running, { session_id: "s2", action_type: "read_file" });
    await ask(running, { session_id: "other", action_type: "read_file" });
    await running.engine.submit(kill(running.admin, "s1"));
    await ask(running, { session_id: "s1", action_type: "read_file" });
    expect(changes(await replayed(running, [purge]))).to.deep.equal([
      "allow terminate judged",
      "allow terminate stopped_earlier",
      "allow terminate stopped_earlier",
      "allow allow judged",
      "terminate terminate before_policies",
    ]);
  });

  it("does not guess how a session would have gone on that a policy of then stopped", async () => {
    await put(running, purge, 7);
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "purge_all" });
    await ask(running, { session_id: "s1", action_type: "read_file" });
    expect(changes(await replayed(running, []))).to.deep.equal([
      "terminate allow judged",
      "terminate null unknown",
    ]);
    expect(changes(await replayed(running, [purge]))).to.deep.equal([
      "terminate terminate judged",
      "terminate terminate before_policies",
    ]);
  });

  it("names the policies that need metadata which was erased, and judges by the others", async () => {
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "transfer_funds", amount: 100 });
    const sequence = running.vault.head().size - 1;
    const erased = (each: number) => each === sequence;
    const [decision] = await replayed(running, [transfers, purge], erased);
    expect(decision?.not_judged).to.deep.equal([idOf(0)]);
    expect([decision?.after, decision?.standing]).to.deep.equal(["allow", "judged"]);
    expect((await replayed(running, [transfers]))[0]?.after).to.equal("block");
    // Actions that it is not about are judged whole.
    await ask(running, { session_id: "s1", action_type: "read_file", amount: 100 });
    expect((await replayed(running, [transfers], () => true))[1]?.not_judged).to.deep.equal([]);
  });

  it("judges what reads texts where there was none, and nowhere else", async () => {
    await put(running, secrets, 7);
    await open("s1");
    await ask(running, { session_id: "s1", action_type: "look" });
    await ask(running, { session_id: "s1", action_type: "look", content: "nothing" });
    await ask(running, { session_id: "s1", action_type: "look", content: "hunter2" });
    const decisions = await replayed(running, [secrets]);
    expect(changes(decisions)).to.deep.equal([
      "allow allow judged",
      "allow allow judged",
      "block null unknown",
    ]);
    expect(decisions.map(({ not_judged }) => not_judged)).to.deep.equal([[], [idOf(0)], [idOf(0)]]);
  });

  const session_ids = ["s1", "s2", null];
  const action = fc.record({
    session_id: fc.constantFrom(...session_ids),
    action_type: fc.constantFrom("transfer_funds", "read_file", "send_mail", "purge_all", "look"),
    amount: fc.option(fc.constantFrom(1, 99.5, 99.75, 1e9), { nil: undefined }),
    cost: fc.option(fc.constantFrom(5, 20), { nil: undefined }),
    /** What it may cost, and what that comes to; null: it is not settled. */
    held: fc.option(
      fc.record({ estimate: fc.constantFrom(5, 30), actual: fc.option(fc.constantFrom(0, 5, 35)) }),
    ),
    wait_ms: fc.constantFrom(0, 0, 10_000, 70_000),
  });

  it("changes nothing where the candidates are the policies that were in force", async function () {
    this.timeout(120_000);
    const policies = [transfers, pace, purge, daily, read_then_send, office_hours, dear_reads];
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        await place.begin();
        running = await place.start();
        for (const [i, written] of policies.entries()) {
          await put(running, written, i);
        }
        await open("s1");
        await open("s2");
        for (const { wait_ms, held, cost, ...asked } of actions) {
          place.time.pass(wait_ms);
          const amounts = held === null ? { cost } : { estimate: held.estimate };
          const decision_id = await ask(running, { ...asked, ...amounts } as Action);
          if (held !== null && held.actual !== null && decision_id !== null) {
            await settle(running, decision_id, held.actual);
          }
        }
        for (const decision of await replayed(running, policies)) {
          if (decision.standing === "unknown") {
            // What an action would have cost is not sealed where it was refused.
            expect(decision.not_judged, decision.decision_id).to.deep.equal([idOf(policies.indexOf(daily))]);
            expect(decision.before).to.equal("block");
          } else {
            expect(decision.after, decision.decision_id).to.equal(decision.before);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
