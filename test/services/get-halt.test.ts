import { expect } from "chai";
import { MemoryLevel } from "memory-level";
import {
  type GetHaltRequest,
  type GetHaltResponse,
  HaltMode,
  HaltService,
  type HaltSession,
  HaltStatus,
  HaltStep,
  HaltVia,
  ScopeKind,
  UnconfirmedWhy,
} from "../../gen/killcord/v1/halt_pb.js";
import { HaltEvidence, HaltPhase, SessionService, StopReason } from "../../gen/killcord/v1/session_pb.js";
import type { Actor } from "../../src/core/actor.js";
import { limits } from "../../src/limits.js";
import { intercept, register, start, touch } from "../engine/asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "../engine/place.js";
import { asking } from "./asking.js";

const methods = HaltService.method;

describe("GetHalt", () => {
  let place: Place;
  let running: Running;
  let agent: Actor;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    const { engine, admin } = running;
    await engine.submit(register(admin, "a1"));
    const key_id = engine.state.agents.get("a1")?.credential_id ?? expect.fail("it has one");
    agent = { key_id, role: "agent" };
  });
  afterEach(() => place.remove());

  const ask = (actor: Actor) => asking(running, actor);

  async function open(...session_ids: readonly string[]): Promise<void> {
    for (const session_id of session_ids) {
      await running.engine.submit(start(agent, session_id, { agent_id: null }));
    }
  }

  async function order(mode = HaltMode.KILL): Promise<string> {
    const scope = { kind: ScopeKind.AGENT, id: "a1" };
    const { halt } = await ask(running.admin)(methods.halt, { scope, mode, reason: "key leaked" });
    return halt?.haltId ?? expect.fail("it has one");
  }

  function get(haltId: string, more: Partial<GetHaltRequest> = {}): Promise<GetHaltResponse> {
    return ask(running.admin)(methods.getHalt, { haltId, ...more } as GetHaltRequest);
  }

  const figures = async (haltId: string) => {
    const { requested, delivered, acknowledged, confirmed, unconfirmed, pending } =
      (await get(haltId)).halt?.figures ?? expect.fail("it has some");
    return [requested, delivered, acknowledged, confirmed, unconfirmed, pending].map(Number);
  };

  async function acknowledge(sessionId: string, haltId: string, evidence?: HaltEvidence, supervisor = false) {
    const phase = evidence === undefined ? HaltPhase.STOPPING : HaltPhase.STOPPED;
    const said = { sessionId, haltId, phase, supervisor, ...(evidence === undefined ? {} : { evidence }) };
    await ask(agent)(SessionService.method.acknowledgeHalt, said);
  }

  async function refusal(haltId: string): Promise<string> {
    const error = await get(haltId).then(
      () => expect.fail("it is refused"),
      (refused: Error & { readonly code: string }) => refused,
    );
    return error.code;
  }

  it("shows an order's steps for each session: what is handed over at once, the rest as it is sealed", async () => {
    await open("s1", "s2", "s3");
    const id = await order();
    expect(await figures(id)).to.deep.equal([3, 0, 0, 0, 0, 3]);
    place.time.pass(20);
    await ask(agent)(SessionService.method.heartbeat, { sessionId: "s1" });
    await ask(agent)(SessionService.method.heartbeat, { sessionId: "s1" });
    expect(await figures(id)).to.deep.equal([3, 1, 0, 0, 0, 3]);
    const [handed] = (await get(id)).sessions;
    expect(handed).to.include({ step: HaltStep.DELIVERED, via: HaltVia.HEARTBEAT });
    place.time.pass(20);
    await acknowledge("s1", id);
    await acknowledge("s2", id, HaltEvidence.GROUP_EMPTY, true);
    expect(await figures(id)).to.deep.equal([3, 2, 2, 1, 0, 2]);
    place.time.pass(limits.halt_confirm_ms);
    await running.settle();
    expect(await figures(id)).to.deep.equal([3, 2, 2, 1, 2, 0]);
    const { halt, sessions, total } = await get(id);
    expect(halt).to.include({ haltId: id, reason: "key leaked", status: HaltStatus.IN_FORCE });
    expect(total).to.equal(3n);
    const since = (session: HaltSession | undefined, at: HaltSession["deliveredAt"]) =>
      at === undefined
        ? null
        : Number(at.seconds - (session?.requestedAt?.seconds ?? 0n)) * 1000 +
          (at.nanos - (session?.requestedAt?.nanos ?? 0)) / 1e6;
    const told = sessions.map((each) => [
      each.sessionId,
      each.step,
      each.via,
      ...[each.deliveredAt, each.acknowledgedAt, each.confirmedAt, each.unconfirmedAt].map((at) =>
        since(each, at),
      ),
      each.unconfirmedWhy,
    ]);
    expect(told).to.deep.equal([
      ["s1", HaltStep.UNCONFIRMED, HaltVia.HEARTBEAT, 20, 40, null, 10_000, UnconfirmedWhy.DEADLINE],
      ["s2", HaltStep.CONFIRMED, HaltVia.UNSPECIFIED, null, null, 40, null, UnconfirmedWhy.UNSPECIFIED],
      ["s3", HaltStep.UNCONFIRMED, HaltVia.UNSPECIFIED, null, null, null, 10_000, UnconfirmedWhy.NO_CLIENT],
    ]);
    expect(sessions[0]).to.include({
      agentId: "a1",
      stopReason: StopReason.HALTED,
      acknowledgedBy: agent.key_id,
    });
    expect(sessions[1]).to.include({ evidence: HaltEvidence.GROUP_EMPTY, confirmedBy: agent.key_id });
    await acknowledge("s3", id, HaltEvidence.PROCESS_EXIT);
    expect(await figures(id)).to.deep.equal([3, 3, 3, 2, 1, 0]);
    expect((await get(id)).sessions[2]).to.include({ step: HaltStep.CONFIRMED });
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("says that a supervisor told, whatever was handed to the run itself", async () => {
    await open("s1");
    const id = await order();
    await ask(agent)(SessionService.method.heartbeat, { sessionId: "s1" });
    const said = { sessionId: "s1", haltId: id, phase: HaltPhase.STOPPING, supervisor: true };
    await ask(agent)(SessionService.method.acknowledgeHalt, said);
    expect((await get(id)).sessions[0]).to.include({ via: HaltVia.SUPERVISOR });
  });

  it("shows the stop that a session got by its budget, its time or its parent", async () => {
    const { engine, admin } = running;
    await engine.submit(start(admin, "spent", { max_actions: 0 }));
    await engine.submit(start(admin, "below", { parent_session_id: "spent" }));
    await engine.submit(start(admin, "expired", { ttl_seconds: 1 }));
    await engine.submit(intercept(admin, "spent"));
    place.time.pass(1000);
    await engine.submit(touch(admin, "expired"));
    const reasons = [
      "budget exceeded: max_actions 0",
      "parent stopped: budget exceeded: max_actions 0",
      "ttl expired: ttl_seconds 1",
    ];
    for (const [i, session_id] of ["spent", "below", "expired"].entries()) {
      const id = engine.state.sessions.get(session_id)?.stop?.halt_id ?? "";
      const { halt, sessions } = await get(id);
      expect(halt).to.deep.include({ haltId: id, status: HaltStatus.NO_ORDER, reason: reasons[i] });
      expect(halt?.scope).to.include({ kind: ScopeKind.SESSION, id: session_id });
      expect(halt?.requestedBy).to.equal(undefined);
      expect(sessions.map(({ sessionId }) => sessionId)).to.deep.equal([session_id]);
      expect(await figures(id)).to.deep.equal([1, 0, 0, 0, 0, 1]);
      const refused = await ask(admin)(methods.liftHalt, { haltId: id }).then(
        () => expect.fail("it is refused"),
        (error: Error & { readonly code: string }) => error,
      );
      expect(refused.code).to.equal("halt_not_found");
      expect(refused.message).to.include("nobody ordered").and.to.include(session_id);
    }
  });

  it("of a pause waits for nobody, and shows who was told", async () => {
    await open("s1", "s2");
    const id = await order(HaltMode.PAUSE);
    await ask(agent)(SessionService.method.heartbeat, { sessionId: "s1" });
    expect(await figures(id)).to.deep.equal([2, 1, 0, 0, 0, 0]);
    expect((await get(id)).sessions[0]).to.include({
      stopReason: StopReason.UNSPECIFIED,
      step: HaltStep.DELIVERED,
    });
    await acknowledge("s1", id);
    place.time.pass(2 * limits.halt_confirm_ms);
    await running.settle();
    expect(await figures(id)).to.deep.equal([2, 1, 1, 0, 0, 0]);
    // A kill after it is another stop, and takes nothing of what is known of the pause.
    const kill = await order();
    expect(await figures(kill)).to.deep.equal([2, 0, 0, 0, 0, 2]);
    expect(await figures(id)).to.deep.equal([2, 1, 1, 0, 0, 0]);
  });

  it("comes in pages, by token and by number", async () => {
    const ids = ["s1", "s2", "s3", "s4", "s5"];
    await open(...ids);
    const id = await order();
    const read: string[] = [];
    for (let pageToken = ""; ; ) {
      const { sessions, total, nextPageToken } = await get(id, { pageSize: 2, pageToken });
      read.push(...sessions.map(({ sessionId }) => sessionId));
      expect([total, sessions.length <= 2]).to.deep.equal([5n, true]);
      if (nextPageToken === undefined) break;
      pageToken = nextPageToken;
    }
    expect(read).to.deep.equal(ids);
    const second = await get(id, { pageSize: 2, page: 2 });
    expect(second.sessions.map(({ sessionId }) => sessionId)).to.deep.equal(["s3", "s4"]);
    expect((await get(id, { pageSize: 5 })).nextPageToken).to.equal(undefined);
  });

  it("tells the same after a restart, with every index lost", async () => {
    await open("s1", "s2");
    const id = await order();
    await acknowledge("s1", id, HaltEvidence.PROCESS_EXIT);
    const before = await get(id);
    await running.engine.stop();
    place.time.restart();
    place.rows = new MemoryLevel<string, string>();
    running = await place.start();
    expect(await get(id)).to.deep.equal(before);
  });

  it("refuses what is no stop", async () => {
    await open("s1");
    for (const id of ["halt_0123456789ab", "halt_", "s1", ""]) {
      expect(await refusal(id)).to.equal("halt_not_found");
    }
  });
});
