/** A session that is held: nothing is allowed until it is resumed, and a stop still comes through. */
import { expect } from "chai";
import { SessionPaused, SessionTerminated } from "../../../sdk/typescript/src/node.js";
import { curl, type Served, serve } from "../../server/served.js";
import { aborted, kill, type Staged, sealed, staged } from "./stage.js";

describe("sdk/typescript: a session that is held", () => {
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

  const order = (id: string, what: "pause" | "resume", reason: string) =>
    curl(server, `/v1/enforce/sessions/${id}/${what}`, server.admin_key, { reason });

  it("tells it, throws, and goes on when it is resumed", async () => {
    await using session = await stage.client.startSession();
    const paused = new Promise<SessionPaused>((yes) => session.on("pause", yes));
    const resumed = new Promise((yes) => session.on("resume", () => yes("resumed")));
    await order(session.id, "pause", "look at this first");
    expect(String(await paused)).to.equal("SessionPaused: paused: look at this first");
    expect(session.status).to.equal("paused");
    expect(() => session.guard()).to.throw(SessionPaused, "look at this first");
    const error = await session.intercept("look").catch((each: unknown) => each);
    expect(error).to.be.instanceOf(SessionPaused).and.deep.include({ actionType: "look" });
    expect(session.signal.aborted).to.equal(false);
    await order(session.id, "resume", "looked at");
    expect(await resumed).to.equal("resumed");
    session.guard();
    expect(await session.intercept("look")).to.deep.include({ actions: 1 });
  });

  it("throws by its verdict, before the watch has told it", async () => {
    // The watch is opened by a timer, which never comes.
    const never = { nowMs: () => performance.now(), after: () => ({ cancel: () => {} }) };
    const { client } = staged(server.url, server.admin_key, { clock: never });
    const session = await client.startSession();
    await order(session.id, "pause", "wait");
    const error = await session.intercept("look").catch((each: unknown) => each);
    expect(error).to.be.instanceOf(SessionPaused).and.deep.include({ actionType: "look" });
    expect((error as SessionPaused).decisionId).to.match(/^enf_/);
    await session.close();
  });

  it("keeps what a tool has done that was held meanwhile", async () => {
    await using session = await stage.client.startSession();
    const paused = new Promise((yes) => session.on("pause", yes));
    const work = session.tool("work", async () => {
      await order(session.id, "pause", "wait");
      await paused;
      return "done";
    });
    expect(await work()).to.equal("done");
    expect(await work().catch((each: unknown) => each)).to.be.instanceOf(SessionPaused);
  });

  it("waits where that was asked for, and then asks again", async () => {
    await using session = await stage.client.startSession({ whenPaused: "wait", budgets: { maxActions: 1 } });
    const paused = new Promise((yes) => session.on("pause", yes));
    await order(session.id, "pause", "wait");
    await paused;
    let ready = false;
    const asking = session.intercept("look");
    const waiting = session.ready().then(() => {
      ready = true;
    });
    expect(ready).to.equal(false);
    await order(session.id, "resume", "go");
    expect(await asking).to.deep.include({ actions: 1 });
    await waiting;
    const allowed = (await sealed(server, session.id)).filter(({ decision }) => decision === "allow");
    expect(allowed).to.have.length(1);
  });

  it("is stopped while it waits", async () => {
    await using session = await stage.client.startSession({ whenPaused: "wait" });
    const paused = new Promise((yes) => session.on("pause", yes));
    await order(session.id, "pause", "wait");
    await paused;
    const asking = session.intercept("look").catch((each: unknown) => each);
    await kill(server, session.id);
    expect(await asking)
      .to.be.instanceOf(SessionTerminated)
      .and.deep.include({ stopReason: "manual" });
    expect(await aborted(session.signal)).to.equal(await asking);
  });
});
