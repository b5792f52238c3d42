/** EscalationService over a real log: what approvers see and answer, how an agent waits, what a restart leaves. */
import { randomBytes } from "node:crypto";
import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "chai";
import { MemoryLevel } from "memory-level";
import { EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import {
  ActionText,
  EscalationDecision,
  EscalationResolution,
  EscalationService,
  EscalationStatus,
  WatchEscalationsRequestSchema,
  type WatchEscalationsResponse,
} from "../../gen/killcord/v1/escalation_pb.js";
import { PolicyService, PolicyType } from "../../gen/killcord/v1/policy_pb.js";
import type { Actor, Role } from "../../src/core/actor.js";
import type { ActionTextsOptions } from "../../src/engine/action-texts.js";
import { limits } from "../../src/limits.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import { createKey, kill, register, start } from "../engine/asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "../engine/place.js";
import { asking } from "./asking.js";

const methods = EscalationService.method;
const { PENDING, APPROVED, REJECTED, EXPIRED } = EscalationStatus;

interface Asked {
  readonly sessionId?: string;
  readonly actionType?: string;
  readonly actionContent?: string;
  readonly metadata?: JsonObject;
  readonly cost?: { readonly tokens?: bigint; readonly costUsd?: string };
  readonly escalationId?: string;
}

describe("EscalationService", () => {
  let place: Place;
  let running: Running;
  let agent: Actor;
  let approver: Actor;
  let texts: ActionTextsOptions;

  beforeEach(async () => {
    place = await newPlace();
    const rows = new MemoryLevel<string, Buffer>({ valueEncoding: "buffer" });
    texts = { store: { rows, compact: async () => {} }, key: randomBytes(32), origin: "o" };
    await open();
    const { engine, admin } = running;
    await engine.submit(register(admin, "a1"));
    agent = { key_id: engine.state.agents.get("a1")?.credential_id ?? "", role: "agent" };
    approver = await keyOf("approver");
    await ask(admin)(PolicyService.method.createPolicy, {
      name: "a person",
      policyType: PolicyType.ACTION_TYPE,
      decision: Verdict.ESCALATE,
      actionTypes: ["pay*"],
    });
    await engine.submit(start(agent, "s1", { agent_id: null }));
  });
  afterEach(async () => {
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
    await place.remove();
  });

  async function open(more: Partial<ActionTextsOptions> = {}): Promise<void> {
    running = await place.start({ engine: { texts: { ...texts, ...more } } });
  }

  const ask = (actor: Actor) => asking(running, actor);

  async function keyOf(role: Role): Promise<Actor> {
    await running.engine.submit(createKey([role], running.admin));
    return { key_id: [...running.engine.state.keys.keys()].at(-1) ?? "", role };
  }

  const payment: Asked = {
    sessionId: "s1",
    actionType: "pay",
    actionContent: "pay bob",
    metadata: { amount: 12.5 },
    cost: { tokens: 3n, costUsd: "1.50" },
  };

  const intercept = (more: Asked = {}, asked: Asked = payment) =>
    ask(agent)(EnforcementService.method.intercept, { ...asked, ...more });

  async function escalated(asked: Asked = payment): Promise<string> {
    const { decision, escalationId } = await intercept({}, asked);
    expect(decision).to.equal(Verdict.ESCALATE);
    return escalationId ?? expect.fail("it has one");
  }

  async function resolve(
    escalationId: string,
    resolution = EscalationResolution.APPROVED,
    more: { readonly unseen?: boolean } = {},
  ) {
    return ask(approver)(methods.resolveEscalation, { escalationId, resolution, reason: "seen", ...more });
  }

  async function show(escalationId: string, actor = approver) {
    return (await ask(actor)(methods.getEscalation, { escalationId })).escalation ?? expect.fail();
  }

  async function stateOf(escalationId: string) {
    const { escalation } = await ask(agent)(methods.getEscalationStatus, { escalationId });
    return [escalation?.status, escalation?.decision];
  }

  const codeOf = (failing: Promise<unknown>) =>
    failing.then(
      () => null,
      (error: unknown) => (error as { readonly code?: unknown }).code,
    );

  /** A watch, and its messages as they come. */
  function watch(actor: Actor, request: MessageInitShape<typeof WatchEscalationsRequestSchema> = {}) {
    const ending = new AbortController();
    const call = {
      principal: { key_id: actor.key_id as string, role: actor.role as Role },
      request_id: "req_1",
      signal: ending.signal,
      reply_headers: new Headers(),
      received_ms: performance.now(),
      share: new Room().enter(methods.watchEscalations),
    };
    const door = openDoor(running);
    const messages = door.stream(
      methods.watchEscalations,
      create(WatchEscalationsRequestSchema, request),
      call,
    ) as AsyncGenerator<WatchEscalationsResponse>;
    const next = async () => {
      const { value, done } = await messages.next();
      if (done) {
        return "end";
      }
      const { update } = value as WatchEscalationsResponse;
      return update.case === "escalation" ? [update.value.escalationId, update.value.status] : update.case;
    };
    return { next, messages, end: () => ending.abort() };
  }

  it("shows an approver what was asked, and others everything but that", async () => {
    const escalation_id = await escalated();
    const shown = await show(escalation_id);
    expect(shown.actionText).to.equal(ActionText.SHOWN);
    expect([shown.actionContent, shown.metadata]).to.deep.equal(["pay bob", { amount: 12.5 }]);
    expect([shown.agentId, shown.sessionId, shown.actionType]).to.deep.equal(["a1", "s1", "pay"]);
    expect([shown.cost?.tokens, shown.cost?.costUsdMicros]).to.deep.equal([3n, 1_500_000n]);
    expect(shown.policiesTriggered.map(({ name }) => name)).to.deep.equal(["a person"]);
    expect((await show(escalation_id, running.admin)).actionText).to.equal(ActionText.SHOWN);
    for (const role of ["operator", "auditor"] as const) {
      const withheld = await show(escalation_id, await keyOf(role));
      expect(withheld.actionText).to.equal(ActionText.WITHHELD);
      expect([withheld.actionContent, withheld.metadata]).to.deep.equal([undefined, undefined]);
    }
    expect((await show(await escalated({ sessionId: "s1", actionType: "pay" }))).actionText).to.equal(
      ActionText.NONE,
    );
  });

  it("shows no text to a key that is bound to an agent, whatever roles it has: it never answers", async () => {
    const escalation_id = await escalated();
    const bound = { ...createKey(["approver", "admin"], running.admin), agent_id: "a2" };
    await running.engine.submit(bound);
    const key_id = [...running.engine.state.keys.keys()].at(-1) ?? "";
    for (const role of ["approver", "admin"] as const) {
      const { actionText, actionContent } = await show(escalation_id, { key_id, role });
      expect([actionText, actionContent]).to.deep.equal([ActionText.WITHHELD, undefined]);
    }
  });

  it("shows no text that was changed after it was looked at", async () => {
    const escalation_id = await escalated();
    const { texts: kept } = running.engine.escalations;
    const read = kept.read.bind(kept);
    let reads = 0;
    kept.read = async (id) => {
      reads += 1;
      return reads === 1 ? read(id) : { action_content: "pay eve", metadata: null };
    };
    expect((await show(escalation_id)).actionContent).to.equal("pay bob");
  });

  it("releases the approved action once, charged as it was shown, and erases its text", async () => {
    const escalation_id = await escalated();
    expect(await stateOf(escalation_id)).to.deep.equal([PENDING, EscalationDecision.PENDING]);
    const { escalation } = await resolve(escalation_id);
    expect([escalation?.status, escalation?.decision, escalation?.resolutionReason]).to.deep.equal([
      APPROVED,
      EscalationDecision.ALLOW,
      "seen",
    ]);
    const shown = await show(escalation_id);
    expect([shown.actionText, shown.actionContent, shown.metadata]).to.deep.equal([
      ActionText.ERASED,
      undefined,
      undefined,
    ]);
    expect(shown.resolvedBy).to.equal(approver.key_id);
    for (const other of [
      { actionContent: "pay eve" },
      { metadata: { amount: 12 } },
      { cost: {} },
    ] as Asked[]) {
      const { decision, policiesTriggered } = await intercept({ ...other, escalationId: escalation_id });
      expect([decision, policiesTriggered[0]?.policyId]).to.deep.equal([
        Verdict.BLOCK,
        "__escalation_mismatch",
      ]);
    }
    const allowed = await intercept({ escalationId: escalation_id });
    expect([allowed.decision, allowed.escalationId]).to.deep.equal([Verdict.ALLOW, escalation_id]);
    expect([allowed.consumed?.actions, allowed.consumed?.tokens]).to.deep.equal([4n, 3n]);
    expect((await show(escalation_id)).usedBy).to.equal(allowed.decisionId);
    expect(await stateOf(escalation_id)).to.deep.equal([APPROVED, EscalationDecision.BLOCK]);
    expect((await intercept({ escalationId: escalation_id })).decision).to.equal(Verdict.BLOCK);
  });

  it("says of each answer after the first that it is too late", async () => {
    const escalation_id = await escalated();
    const answers = await Promise.all([
      codeOf(resolve(escalation_id)),
      codeOf(resolve(escalation_id, EscalationResolution.REJECTED)),
      codeOf(resolve(escalation_id)),
    ]);
    expect(answers.sort()).to.deep.equal([
      "escalation_already_resolved",
      "escalation_already_resolved",
      null,
    ]);
    expect(await codeOf(resolve("esc_000000000000"))).to.equal("escalation_not_found");
    expect(await codeOf(resolve(await escalated(), EscalationResolution.REJECTED))).to.equal(null);
  });

  it("lists what waits, and by status, agent and session what waited", async () => {
    const [first, second] = [await escalated(), await escalated()];
    await resolve(first, EscalationResolution.REJECTED);
    const list = async (request: MessageInitShape<(typeof methods.listEscalations)["input"]> = {}) =>
      (await ask(approver)(methods.listEscalations, request)).escalations.map(
        ({ escalationId }) => escalationId,
      );
    expect(await list()).to.deep.equal([second]);
    expect(await list({ status: [REJECTED] })).to.deep.equal([first]);
    expect(await list({ status: [REJECTED, PENDING] })).to.deep.equal([second, first]);
    expect(await list({ status: [REJECTED, PENDING], pageSize: 1 })).to.deep.equal([second]);
    expect(await list({ agentId: "a2" })).to.deep.equal([]);
    expect(await list({ sessionId: "s1" })).to.deep.equal([second]);
  });

  it("tells a watch of all what waits, then each change; an agent is told of its own, and waits by id", async () => {
    const [first, second] = [await escalated(), await escalated()];
    const all = watch(approver);
    expect([await all.next(), await all.next(), await all.next()]).to.deep.equal([
      [first, PENDING],
      [second, PENDING],
      "bookmark",
    ]);
    const own = watch(agent, { escalationIds: [first] });
    expect([await own.next(), await own.next()]).to.deep.equal([[first, PENDING], "bookmark"]);
    const other = { key_id: "", role: "agent" as const };
    await running.engine.submit(register(running.admin, "a2"));
    other.key_id = running.engine.state.agents.get("a2")?.credential_id ?? "";
    expect(await codeOf(watch(other, { escalationIds: [first] }).next())).to.equal(
      "insufficient_permissions",
    );
    const nothing = watch(other);
    expect(await nothing.next()).to.equal("bookmark");
    await resolve(first);
    expect([await own.next(), await own.next()]).to.deep.equal([[first, APPROVED], "end"]);
    expect(await all.next()).to.deep.equal([first, APPROVED]);
    await intercept({ escalationId: first });
    expect(await all.next(), "its use").to.deep.equal([first, APPROVED]);
    const late = watch(agent, { escalationIds: [first, second] });
    expect([await late.next(), await late.next(), await late.next()]).to.deep.equal([
      [first, APPROVED],
      [second, PENDING],
      "bookmark",
    ]);
    for (const each of [all, nothing, late]) {
      each.end();
      expect(await each.next()).to.equal("end");
    }
  });

  it("tells who comes back with a token how what it knew was resolved", async () => {
    const [first, second] = [await escalated(), await escalated()];
    const before = watch(approver);
    await before.next();
    await before.next();
    const { value } = await before.messages.next();
    before.end();
    await resolve(first, EscalationResolution.REJECTED);
    const again = watch(approver, { resumeToken: (value as WatchEscalationsResponse).resumeToken });
    expect([await again.next(), await again.next(), await again.next()]).to.deep.equal([
      [first, REJECTED],
      [second, PENDING],
      "bookmark",
    ]);
    again.end();
  });

  it("expires what nobody answers, by itself, also when a restart lies between", async () => {
    const [first, second] = [await escalated(), await escalated()];
    place.time.pass(limits.escalation_ms / 2);
    await place.stop(running);
    await open();
    expect((await show(first)).actionContent, "its text outlives the restart").to.equal("pay bob");
    await resolve(second);
    const waiting = watch(agent, { escalationIds: [first] });
    expect([await waiting.next(), await waiting.next()]).to.deep.equal([[first, PENDING], "bookmark"]);
    place.time.pass(limits.escalation_ms / 2);
    await running.settle();
    expect([await waiting.next(), await waiting.next()]).to.deep.equal([[first, EXPIRED], "end"]);
    expect(await stateOf(first)).to.deep.equal([EXPIRED, EscalationDecision.BLOCK]);
    expect((await show(first)).resolvedBy).to.equal(undefined);
    expect((await intercept({ escalationId: second })).decision, "approved after the restart").to.equal(
      Verdict.ALLOW,
    );
  });

  it("compares an approved action over a restart, by what was sealed", async () => {
    const escalation_id = await escalated();
    await resolve(escalation_id);
    await place.stop(running);
    place.rows = new MemoryLevel<string, string>();
    await open();
    expect((await intercept({ actionContent: "pay eve", escalationId: escalation_id })).decision).to.equal(
      Verdict.BLOCK,
    );
    expect((await intercept({ escalationId: escalation_id })).decision).to.equal(Verdict.ALLOW);
  });

  it("ends the wait of a session that is killed", async () => {
    const escalation_id = await escalated();
    const waiting = watch(agent, { escalationIds: [escalation_id] });
    expect([await waiting.next(), await waiting.next()]).to.deep.equal([
      [escalation_id, PENDING],
      "bookmark",
    ]);
    await running.engine.submit(kill(running.admin, "s1"));
    expect([await waiting.next(), await waiting.next()]).to.deep.equal([[escalation_id, EXPIRED], "end"]);
    expect((await show(escalation_id)).resolutionReason).to.equal("the session has stopped");
  });

  for (const [how, lose] of [
    ["the row", async () => texts.store.rows.clear()],
    ["the key", async () => Object.assign(texts, { key: randomBytes(32) })],
  ] as const) {
    it(`approves an action whose text is lost with ${how} only unseen, and says so`, async () => {
      const escalation_id = await escalated();
      await place.stop(running);
      await lose();
      await open();
      expect((await show(escalation_id)).actionText).to.equal(ActionText.LOST);
      expect(await codeOf(resolve(escalation_id))).to.equal("action_text_lost");
      await resolve(escalation_id, EscalationResolution.APPROVED, { unseen: true });
      expect((await show(escalation_id)).unseen).to.equal(true);
      expect((await intercept({ escalationId: escalation_id })).decision).to.equal(Verdict.ALLOW);
      const whole = await escalated();
      await resolve(whole, EscalationResolution.APPROVED, { unseen: true });
      expect((await show(whole)).unseen, "what could be seen was").to.equal(undefined);
    });
  }

  it("does not show what is kept when it is not what was sealed", async () => {
    const [first, second] = [await escalated(), await escalated({ ...payment, actionContent: "pay eve" })];
    await running.engine.escalations.texts.settle();
    // Whoever has the key and the store writes another text under the first one's name.
    const other = await import("../../src/engine/action-texts.js").then(
      ({ ActionTexts }) => new ActionTexts(texts, running.engine.clock),
    );
    const said = (await other.read(second)) ?? expect.fail();
    const opened = (await running.events()).find(
      (event) => event.event === "escalation_opened" && event.escalation_id === first,
    );
    other.onDecided([opened ?? expect.fail()], () => said);
    await other.settle();
    const shown = await show(first);
    expect([shown.actionText, shown.actionContent]).to.deep.equal([ActionText.CHANGED, undefined]);
    expect(await codeOf(resolve(first))).to.equal("action_text_lost");
    expect(await codeOf(resolve(first, EscalationResolution.REJECTED))).to.equal(null);
  });
});
