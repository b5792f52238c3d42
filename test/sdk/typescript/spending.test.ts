/** What actions cost, from the client for TypeScript to the log: charged, held, settled, given back. */
import { expect } from "chai";
import {
  ActionBlocked,
  KillcordError,
  type Session,
  SessionPaused,
  SessionTerminated,
  type Warning,
} from "../../../sdk/typescript/src/node.js";
import { curl, type Served, serve } from "../../server/served.js";
import { aborted, kill, type Staged, sealed, shown, staged, until } from "./stage.js";

describe("sdk/typescript: what actions cost", () => {
  let server: Served;
  let stage: Staged;

  before(async () => {
    server = await serve();
  });
  after(() => server.end());
  beforeEach(() => {
    stage = staged(server.url, server.admin_key);
  });
  afterEach(() => stage.client.close());

  const raise = (id: string, budgets: object) =>
    curl(server, `/v1/enforce/sessions/${id}/budgets`, server.admin_key, { budgets });
  const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
  const settled = async ({ id }: Session) =>
    (await sealed(server, id))
      .filter(({ event }) => event === "reservation_settled")
      .map(({ outcome }) => outcome);

  it("is limited by every budget that a session can have", async () => {
    await using session = await stage.client.startSession({
      budgets: {
        maxActions: 9,
        maxTokens: 1000,
        maxCostUsd: 0.3,
        maxDepth: 2,
        maxConcurrent: 3,
        warnAtPercent: [50, 90],
        onExceeded: "pause",
      },
    });
    expect((await shown(server, session.id)).budgets).to.deep.include({
      max_actions: 9,
      max_tokens: 1000,
      max_cost_usd: "0.3",
      max_depth: 2,
      max_concurrent: 3,
      warn_at_percent: [50, 90],
      on_exceeded: "pause",
    });
  });

  it("is charged by an allow, which says what is left and what comes next", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 100, maxCostUsd: "1" } });
    const allowed = await session.intercept("llm_call", { cost: { tokens: 30, costUsd: 0.1 } });
    expect(allowed).to.deep.include({ offline: false, warnings: [], policiesShadowed: [] });
    if (allowed.offline) throw new Error("it was asked");
    expect(allowed.consumed).to.deep.include({ actions: 1, tokens: 30, costUsdMicros: 100_000 });
    expect(allowed.budgetLeft).to.deep.equal({ tokens: 70, costUsdMicros: 900_000 });
    expect(allowed.nextStep).to.not.equal("");
    const [decision] = (await sealed(server, session.id)).filter(
      ({ event }) => event === "enforcement_decision",
    );
    expect(decision).to.deep.include({ charge: { tokens: 30, cost_usd_micros: 100_000 } });
  });

  it("stops the session with the action that does not fit", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 100 } });
    await session.intercept("llm_call", { cost: { tokens: 100 } });
    const error = await caught(session.intercept("llm_call", { cost: { tokens: 1 } }));
    expect(error).to.be.instanceOf(SessionTerminated).and.deep.include({ stopReason: "budget_exceeded" });
    expect((await shown(server, session.id)).consumed.tokens).to.equal(100);
  });

  it("is held for a reservation, and settled with what it was, once", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 100 } });
    await using held = await session.reserve("llm_call", { estimate: { tokens: 80 } });
    expect((await shown(server, session.id)).reserved).to.deep.equal({ tokens: 80, cost_usd_micros: 0 });
    expect(await held.settle({ tokens: 20 })).to.deep.include({
      outcome: "settled",
      spent: { tokens: 20, costUsdMicros: 0 },
      reported: { tokens: 20, costUsdMicros: 0 },
    });
    expect(await session.settle(held.decisionId, { tokens: 20 })).to.deep.include({ outcome: "settled" });
    const other = await caught(held.settle({ tokens: 21 }));
    expect(other).to.be.instanceOf(KillcordError).and.deep.include({ code: "reservation_closed" });
    expect((await shown(server, session.id)).consumed).to.deep.include({ actions: 1, tokens: 20 });
    expect(await settled(session)).to.deep.equal(["settled"]);
  });

  it("is given back when its block is left without a word, also by an exception", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 100 } });
    const fault = new Error("the model is away");
    const thrown = await caught(
      (async () => {
        await using _held = await session.reserve("llm_call", { estimate: { tokens: 100 } });
        throw fault;
      })(),
    );
    expect(thrown).to.equal(fault);
    const after = await shown(server, session.id);
    expect([after.consumed.tokens, after.reserved]).to.deep.equal([0, undefined]);
    expect(await settled(session)).to.deep.equal(["cancelled"]);
  });

  it("is not given back because what it did cost is no amount: the estimate stands", async () => {
    await using session = await stage.client.startSession({ budgets: { maxCostUsd: "1" } });
    const thrown = await caught(
      (async () => {
        await using held = await session.reserve("llm_call", { estimate: { costUsd: "0.5" } });
        await held.settle({ costUsd: 0.1 + 0.2 });
      })(),
    );
    expect(thrown).to.be.instanceOf(KillcordError).and.deep.include({ code: "invalid_argument" });
    expect((await shown(server, session.id)).reserved).to.deep.equal({ tokens: 0, cost_usd_micros: 500_000 });
    expect(await settled(session)).to.deep.equal([]);
  });

  it("keeps an action out that would fit but for what is held, and kills nothing", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 100 } });
    const held = await session.reserve("llm_call", { estimate: { tokens: 80 } });
    const error = await caught(session.reserve("llm_call", { estimate: { tokens: 30 } }));
    expect(error).to.be.instanceOf(ActionBlocked).and.not.instanceOf(SessionPaused);
    const blocked = error as ActionBlocked;
    expect(blocked.policies.map(({ policyId }) => policyId)).to.deep.equal(["__budget_reserved"]);
    expect(blocked.nextStep).to.not.equal("");
    await held.cancel();
    await (await session.reserve("llm_call", { estimate: { tokens: 30 } })).cancel();
  });

  it("is spent in one piece: asked for, done, and paid by its result", async () => {
    await using session = await stage.client.startSession({ budgets: { maxCostUsd: "0.01" } });
    const answer = await session.spend(
      "llm_call",
      { estimate: { tokens: 500 } },
      async (signal) => {
        signal.throwIfAborted();
        return { text: "hello", used: 321 };
      },
      ({ used }) => ({ tokens: used, costUsd: "0.002" }),
    );
    expect(answer).to.deep.equal({ text: "hello", used: 321 });
    const { consumed } = await shown(server, session.id);
    expect(consumed).to.deep.include({ actions: 1, tokens: 321, cost_usd_micros: 2000 });
    const tool = session.tool("search", async (_signal, words: string) => words.length, {
      estimate: (words) => ({ tokens: words.length * 2 }),
      actual: (length) => ({ tokens: length }),
    });
    expect(await tool("boats")).to.equal(5);
    expect((await shown(server, session.id)).consumed).to.deep.include({ actions: 2, tokens: 326 });
  });

  it("is given back when what was to be done fails", async () => {
    await using session = await stage.client.startSession();
    const fault = new Error("the model is away");
    const failing = session.spend("llm_call", { estimate: { tokens: 500 } }, () => Promise.reject(fault));
    expect(await caught(failing)).to.equal(fault);
    expect(await settled(session)).to.deep.equal(["cancelled"]);
  });

  it("is settled by what goes on after a stop, which rejects at once", async () => {
    const session = await stage.client.startSession();
    let finish: (tokens: number) => void = () => {};
    const answer = new Promise<number>((yes) => {
      finish = yes;
    });
    const spending = caught(
      session.spend(
        "llm_call",
        { estimate: { tokens: 500 } },
        () => answer,
        (tokens) => ({ tokens }),
      ),
    );
    await until(async () => (await shown(server, session.id)).reserved !== undefined);
    await kill(server, session.id);
    expect(await spending).to.be.instanceOf(SessionTerminated);
    expect(await settled(session)).to.deep.equal([]);
    finish(77);
    await until(async () => (await shown(server, session.id)).consumed.tokens === 77);
    await session.close();
  });

  it("holds the session at its budget where that was asked for, and goes on when it is raised", async () => {
    await using session = await stage.client.startSession({
      whenPaused: "wait",
      budgets: { maxTokens: 100, onExceeded: "pause" },
    });
    await session.intercept("llm_call", { cost: { tokens: 90 } });
    const paused = new Promise((yes) => session.on("pause", yes));
    const asking = session.intercept("llm_call", { cost: { tokens: 20 }, idempotencyKey: "step-2" });
    expect(String(await paused)).to.match(/^SessionPaused: paused: /);
    await raise(session.id, { max_tokens: 200 });
    expect(await asking).to.deep.include({ actions: 2 });
    // The same step of a program that was started again: counted once.
    const step = { cost: { tokens: 20 }, idempotencyKey: "step-2" };
    expect(await session.intercept("llm_call", step)).to.deep.include({ actions: 2 });
    expect((await shown(server, session.id)).consumed).to.deep.include({ actions: 2, tokens: 110 });
  });

  it("throws a pause at its budget by default", async () => {
    await using session = await stage.client.startSession({ budgets: { maxTokens: 1, onExceeded: "pause" } });
    const error = await caught(session.intercept("llm_call", { cost: { tokens: 2 } }));
    expect(error).to.be.instanceOf(SessionPaused);
    expect((error as SessionPaused).nextStep).to.not.equal("");
  });

  it("warns when a share of a budget is used: a listener, or else a line, once", async () => {
    const budgets = { maxTokens: 100, warnAtPercent: [50, 80] };
    await using session = await stage.client.startSession({ budgets });
    const warnings: Warning[] = [];
    session.on("warning", (warning) => warnings.push(warning));
    const allowed = await session.intercept("llm_call", { cost: { tokens: 60 } });
    await session.intercept("llm_call", { cost: { tokens: 1 } });
    expect(warnings.map(({ policyId }) => policyId)).to.deep.equal(["__soft_limit"]);
    expect(allowed).to.deep.include({ warnings });
    const held = await session.reserve("llm_call", { estimate: { tokens: 30 } });
    expect((await held.settle({ tokens: 30 }))?.warnings).to.deep.equal(warnings.slice(1));
    expect(warnings).to.have.length(2);
    expect(stage.warnings).to.deep.equal([]);
    await using other = await stage.client.startSession({ budgets });
    await other.intercept("llm_call", { cost: { tokens: 90 } });
    expect(stage.warnings).to.have.length(1);
    expect(stage.warnings[0]).to.include(other.id).and.include("80");
  });

  it("is refused before it is sent where it is no amount", async () => {
    await using session = await stage.client.startSession();
    for (const cost of [{ tokens: -1 }, { costUsd: 0.1 + 0.2 }, { usd: 1 }]) {
      expect(await caught(session.intercept("llm_call", { cost }))).to.deep.include({
        code: "invalid_argument",
      });
    }
    const both = await caught(session.intercept("x", { cost: { tokens: 1 }, estimate: { tokens: 1 } }));
    expect(both).to.be.instanceOf(KillcordError).and.deep.include({ code: "invalid_argument" });
    expect((await shown(server, session.id)).consumed.actions).to.equal(0);
  });

  it("is asked for no longer than the caller's signal lets", async () => {
    await using session = await stage.client.startSession({
      whenPaused: "wait",
      budgets: { maxTokens: 1, onExceeded: "pause" },
    });
    const ending = new AbortController();
    const asking = caught(session.intercept("llm_call", { cost: { tokens: 2 }, signal: ending.signal }));
    await new Promise((yes) => session.on("pause", yes));
    ending.abort(new Error("the user went away"));
    expect(await asking).to.equal(await aborted(ending.signal));
  });
});
