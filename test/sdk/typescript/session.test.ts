/** The client for TypeScript in fair weather: a session from its start to its stop, on a real server. */
import { expect } from "chai";
import {
  ActionBlocked,
  createClient,
  KillcordError,
  type Session,
  SessionTerminated,
} from "../../../sdk/typescript/src/node.js";
import { type Served, serve } from "../../server/served.js";
import { aborted, kill, ManualClock, type Staged, sealed, shown, staged, until } from "./stage.js";

describe("sdk/typescript: a session", () => {
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

  it("is opened with its budgets, and is ended when its block is left", async () => {
    let id: string;
    {
      await using session = await stage.client.startSession({
        agentId: "loan-bot",
        label: "nightly",
        budgets: { maxActions: 7, ttlSeconds: 60, idleTimeoutSeconds: 30 },
      });
      id = session.id;
      expect(session.status).to.equal("active");
      expect(await shown(server, id)).to.deep.include({
        agent_id: "loan-bot",
        label: "nightly",
        status: "active",
      });
    }
    const ended = await shown(server, id);
    expect(ended.status).to.equal("ended");
    expect(ended.budgets).to.deep.include({ max_actions: 7, ttl_seconds: 60, idle_timeout_seconds: 30 });
    expect(stage.warnings).to.deep.equal([]);
  });

  it("is ended too when its block is left by an exception, which stays what it was", async () => {
    let id = "";
    const fault = new Error("out of tokens");
    const thrown = await (async () => {
      await using session = await stage.client.startSession();
      id = session.id;
      throw fault;
    })().catch((error: unknown) => error);
    expect(thrown).to.equal(fault);
    expect((await shown(server, id)).status).to.equal("ended");
  });

  it("returns an allow, with what was sealed", async () => {
    await using session = await stage.client.startSession();
    const allowed = await session.intercept("transfer_funds", { content: "pay 5", metadata: { to: 4711 } });
    expect(allowed).to.deep.include({ offline: false, actions: 1 });
    expect(allowed.decisionId).to.match(/^enf_[0-9a-f]{12}$/);
    const decisions = (await sealed(server, session.id)).filter(
      ({ event }) => event === "enforcement_decision",
    );
    expect(decisions.map(({ decision_id }) => decision_id)).to.deep.equal([allowed.decisionId]);
  });

  it("throws when its budget is spent, and is stopped here at once", async () => {
    const session = await stage.client.startSession({ budgets: { maxActions: 1 } });
    await session.intercept("transfer_funds");
    const thrown = await session.intercept("transfer_funds").catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(SessionTerminated).and.deep.include({
      sessionId: session.id,
      status: "killed",
      stopReason: "budget_exceeded",
    });
    expect(String(thrown)).to.match(
      /^SessionTerminated: session sess_[0-9a-f]+ killed \(budget_exceeded\): budget/,
    );
    expect(session.signal.reason).to.equal(thrown);
    expect(() => session.guard()).to.throw(SessionTerminated);
  });

  it("is stopped in the middle of an await by a kill, and acknowledges it step by step", async () => {
    let terminated: SessionTerminated | undefined;
    let id = "";
    try {
      await using session = await stage.client.startSession();
      id = session.id;
      const stopped = aborted(session.signal);
      const { halt_id } = await kill(server, id);
      expect(await stopped)
        .to.be.instanceOf(SessionTerminated)
        .and.deep.include({ status: "killed", stopReason: "manual", reason: "manual stop", haltId: halt_id });
      await until(async () => (await sealed(server, id)).some(({ event }) => event === "halt_acknowledged"));
      // The block has not been left: it would be a lie to say more.
      expect((await sealed(server, id)).some(({ event }) => event === "halt_confirmed")).to.equal(false);
      session.guard();
    } catch (error) {
      terminated = error as SessionTerminated;
    }
    expect(String(terminated)).to.equal(`SessionTerminated: session ${id} killed (manual): manual stop`);
    const events = await sealed(server, id);
    expect(events.map(({ event }) => event).slice(-2)).to.deep.equal(["halt_acknowledged", "halt_confirmed"]);
    expect(events.at(-1)).to.deep.include({ evidence: "tasks_cancelled" });
    expect(events.some(({ event }) => event === "session_ended")).to.equal(false);
  });

  it("refuses an intercept after its stop without asking", async () => {
    await using session = await stage.client.startSession();
    const stopped = aborted(session.signal);
    await kill(server, session.id);
    await stopped;
    const before = (await sealed(server, session.id)).length;
    expect(await session.intercept("transfer_funds").catch((error: unknown) => error)).to.equal(
      session.signal.reason,
    );
    const asked = (await sealed(server, session.id)).slice(before);
    expect(asked.filter(({ event }) => event === "enforcement_decision")).to.deep.equal([]);
  });

  it("is over for its program when it is closed, and says so", async () => {
    const session = await stage.client.startSession();
    const told: unknown[] = [];
    session.on("stop", (how) => told.push(how));
    await session.close();
    await session.close();
    expect(session.signal.reason).to.be.instanceOf(SessionTerminated).and.deep.include({ status: "ended" });
    expect(() => session.guard()).to.throw(`session ${session.id} ended`);
    expect(told).to.deep.equal([]);
  });

  it("is stopped by an end that an operator orders", async () => {
    await using session = await stage.client.startSession();
    const stopped = aborted(session.signal);
    const path = `/v1/enforce/sessions/${session.id}/end`;
    await fetch(server.url + path, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: "{}",
    });
    expect(await stopped).to.deep.include({ status: "ended", haltId: undefined });
  });

  it("takes its parent from what it was given", async () => {
    await using parent = await stage.client.startSession();
    const child = staged(server.url, server.admin_key, {}, parent.id);
    const [inherited, alone] = await Promise.all([
      child.client.startSession(),
      child.client.startSession({ parentSessionId: null }),
    ]);
    expect((await shown(server, inherited.id)).parent_session_id).to.equal(parent.id);
    expect((await shown(server, alone.id)).parent_session_id).to.equal(undefined);
    const stopped = aborted(inherited.signal);
    await kill(server, parent.id);
    expect(await stopped).to.deep.include({ stopReason: "halted" });
    await child.client.close();
  });

  it("learns a stop that came before its watch was up", async () => {
    // The watch is opened by a timer, and time stands still.
    const clock = new ManualClock();
    const { client } = staged(server.url, server.admin_key, { clock });
    const session = await client.startSession();
    await kill(server, session.id);
    expect(session.signal.aborted).to.equal(false);
    const stopped = aborted(session.signal);
    clock.advance(0);
    expect(await stopped).to.deep.include({ stopReason: "manual" });
    await client.close();
  });
});

describe("sdk/typescript: a tool", () => {
  let server: Served;
  let stage: Staged;
  let session: Session;

  before(async () => {
    server = await serve();
  });
  after(() => server.end());
  beforeEach(async () => {
    stage = staged(server.url, server.admin_key);
    session = await stage.client.startSession({ budgets: { maxActions: 2 }, graceSeconds: 0.01 });
  });
  afterEach(() => stage.client.close());

  it("asks, runs with the session's signal and its arguments, and gives what comes of it", async () => {
    const add = session.tool("add", (signal, a: number, b: number) => {
      expect(signal).to.equal(session.signal);
      return a + b;
    });
    const sum: number = await add(2, 3);
    expect(sum).to.equal(5);
    const decisions = (await sealed(server, session.id)).filter(
      ({ event }) => event === "enforcement_decision",
    );
    expect(decisions.map(({ action_type }) => action_type)).to.deep.equal(["add"]);
    // @ts-expect-error: its arguments are typed
    const wrong = () => add("2", 3);
    expect(wrong).to.be.a("function");
  });

  it("does not run when it is not allowed", async () => {
    let runs = 0;
    const count = session.tool("count", () => (runs += 1));
    await count();
    await count();
    expect(await count().catch((error: unknown) => error)).to.be.instanceOf(SessionTerminated);
    expect(runs).to.equal(2);
  });

  it("passes on what its function throws", async () => {
    const fault = new ActionBlocked({
      actionType: "x",
      reasoning: "y",
      decisionId: "",
      policies: [],
      nextStep: "",
    });
    const fail = session.tool("fail", async () => {
      throw fault;
    });
    expect(await fail().catch((error: unknown) => error)).to.equal(fault);
  });

  it("rejects at its stop though its function does not listen, and is confirmed when that really ends", async () => {
    let finish: (() => void) | undefined;
    let begun: (() => void) | undefined;
    const running = new Promise<void>((yes) => {
      begun = yes;
    });
    const deaf = session.tool("deaf", () => {
      begun?.();
      return new Promise<void>((yes) => {
        finish = yes;
      });
    });
    const call = deaf().catch((error: unknown) => error);
    await running;
    await kill(server, session.id);
    expect(await call).to.be.instanceOf(SessionTerminated);
    const closed = session.close();
    await until(() => stage.warnings.length > 0);
    expect(stage.warnings).to.deep.equal([
      `session ${session.id} was stopped 0.01 s ago and still runs: the call of deaf`,
    ]);
    expect((await sealed(server, session.id)).some(({ event }) => event === "halt_confirmed")).to.equal(
      false,
    );
    finish?.();
    await closed;
    expect((await sealed(server, session.id)).at(-1)?.event).to.equal("halt_confirmed");
  });

  it("tells its listeners of the stop, and neither one that throws nor one that hangs keeps it from being confirmed", async () => {
    const told: string[] = [];
    session.on("stop", () => {
      throw new Error("no such table");
    });
    session.on("stop", () => new Promise(() => {}));
    session.on("stop", ({ stopReason }) => told.push(String(stopReason)));
    const away = session.on("stop", () => told.push("never"));
    away();
    const stopped = aborted(session.signal);
    await kill(server, session.id);
    await stopped;
    await session.close();
    session.on("stop", ({ stopReason }) => told.push(`late ${stopReason}`));
    await until(() => told.length === 2);
    expect(told).to.deep.equal(["manual", "late manual"]);
    expect(stage.warnings.filter((line) => line.includes("no such table"))).to.have.length(1);
    expect((await sealed(server, session.id)).at(-1)?.event).to.equal("halt_confirmed");
  });

  it("tells the text of a call as JSON, whatever its arguments are", async () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const any = session.tool("any", (_, ..._args: readonly unknown[]) => "done");
    expect(await any(circle, 5n, () => {}, undefined, session.signal)).to.equal("done");
  });
});

describe("sdk/typescript: what cannot be", () => {
  it("is a client without a key: the error names the variable", () => {
    const { KILLCORD_API_KEY: _, ...rest } = process.env;
    const before = process.env;
    process.env = rest;
    try {
      expect(() => createClient()).to.throw(KillcordError, "KILLCORD_API_KEY");
      expect(() => createClient({ url: "localhost:7411", apiKey: "k" })).to.throw(KillcordError, "http://");
    } finally {
      process.env = before;
    }
  });

  it("is a limit with a mistyped name or value: nothing is opened", async () => {
    const { client } = staged("http://127.0.0.1:1", "k");
    const refused = (options: object) =>
      client.startSession(options).catch((error: KillcordError) => error.message);
    expect(await refused({ budgets: { max_actions: 5 } })).to.include("no option max_actions");
    expect(await refused({ maxActions: 5 })).to.include("no option maxActions");
    expect(await refused({ budgets: { maxActions: 1.5 } })).to.include("whole number");
    expect(await refused({ leaseSeconds: 1 })).to.include("2 to 300");
    expect(await refused({ onLeaseLost: "stop" })).to.include("onLeaseLost");
    expect(await refused({ whenPaused: true })).to.include("whenPaused");
    await client.close();
    expect(await refused({})).to.include("closed");
  });
});
