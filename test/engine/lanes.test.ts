import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import { EngineFault } from "../../src/engine/fault.js";
import type { Outcome } from "../../src/engine/outcome.js";
import { limits } from "../../src/limits.js";
import { failure } from "../journal/suite.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { acknowledge, end, intercept, kill, register, revokeCredential, start } from "./asked.js";
import { newPlace, type Place, type Running } from "./place.js";

describe("when more wait for the disk than may", () => {
  let place: Place;
  let journal: UnsyncedJournal;
  let running: Running;
  let agent: Actor;

  beforeEach(async () => {
    place = await newPlace();
    journal = new UnsyncedJournal(place.disk);
    running = await place.start({ journal });
    const { engine, admin } = running;
    await engine.submit(register(admin, "a1"));
    const key_id = engine.state.agents.get("a1")?.credential_id as string;
    agent = { key_id, role: "agent" };
    await engine.submit(start(admin, "s1"));
    await engine.submit(start(agent, "s2"));
    await engine.submit(start(admin, "s3", { agent_id: "a2", ttl_seconds: 5 }));
    journal.hold();
  });

  afterEach(() => place.remove());

  async function fill(count: number, submit: () => Promise<Outcome>): Promise<readonly Promise<Outcome>[]> {
    const waiting = Array.from({ length: count }, submit);
    await journal.held();
    return waiting;
  }

  it("an action is refused, nothing of it is counted, and a retry is asked for", async () => {
    const { engine, admin } = running;
    const waiting = await fill(limits.queue_commands, () => engine.submit(intercept(admin, null)));
    const size = engine.state.next_sequence;
    const fault = await failure(() => engine.submit(intercept(admin, "s1")));
    expect(fault).to.be.instanceOf(EngineFault).and.to.include({ code: "overloaded" });
    expect((fault as EngineFault).retry_after_ms).to.be.greaterThan(0);
    expect(engine.state.next_sequence).to.equal(size);
    journal.release();
    await Promise.all(waiting);
    expect((await engine.submit(intercept(admin, "s1"))).events).to.have.lengthOf(1);
  }).timeout(20_000);

  it("a kill, an expiry, an agent's ending and a revocation still go through", async () => {
    const { engine, admin } = running;
    const waiting = await fill(limits.queue_commands, () => engine.submit(intercept(admin, null)));
    place.time.pass(5000);
    const stops = [
      engine.submit(kill(admin, "s1")),
      engine.submit(end(agent, "s2")),
      engine.submit(revokeCredential(admin, agent.key_id as string)),
    ];
    journal.release();
    await Promise.all([...waiting, ...stops]);
    const statuses = ["s1", "s2", "s3"].map((id) => engine.state.sessions.get(id)?.status);
    expect(statuses).to.deep.equal(["killed", "ended", "expired"]);
    expect(engine.state.keys.get(agent.key_id as string)?.revoked).to.not.equal(null);
  }).timeout(20_000);

  it("neither actions nor endings keep an acknowledgement out, and acknowledgements keep out no stop", async () => {
    const { engine, admin } = running;
    journal.release();
    await engine.submit(kill(admin, "s2"));
    const halt_id = engine.state.sessions.get("s2")?.stop?.halt_id ?? "";
    const say = () => engine.submit(acknowledge(agent, "s2", halt_id));
    journal.hold();
    const waiting = [
      ...(await fill(limits.queue_commands, () => engine.submit(intercept(admin, null)))),
      ...(await fill(limits.queue_ends, () => engine.submit(end(agent, "s2")))),
    ];
    const first = say();
    waiting.push(...(await fill(limits.queue_acknowledgements - 1, say)));
    expect(await failure(say)).to.include({ code: "overloaded" });
    const killed = engine.submit(kill(admin, "s1"));
    expect(engine.state.sessions.get("s1")?.status, "it binds before it is sealed").to.equal("killed");
    journal.release();
    await Promise.all(waiting);
    expect((await first).events.map(({ event }) => event)).to.deep.equal(["halt_acknowledged"]);
    expect((await killed).events).to.have.lengthOf(2);
  }).timeout(60_000);

  it("agents that end sessions again and again are refused before a person's kill is", async () => {
    const { engine, admin } = running;
    const waiting = await fill(limits.queue_ends, () => engine.submit(end(agent, "s2")));
    const fault = await failure(() => engine.submit(end(agent, "s2")));
    expect(fault).to.include({ code: "overloaded" });
    const killed = engine.submit(kill(admin, "s1"));
    const ended = engine.submit(end(admin, "s3"));
    journal.release();
    await Promise.all([...waiting, killed, ended]);
    expect((await killed).events).to.have.lengthOf(2);
  }).timeout(20_000);
});
