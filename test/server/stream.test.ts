import { expect } from "chai";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { DirectiveKind, EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { KeyService, Role } from "../../gen/killcord/v1/key_pb.js";
import {
  HaltEvidence,
  HaltPhase,
  SessionService,
  SessionStatus,
  StopReason,
  type WatchSessionResponse,
  type WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";
import { type Served, serve } from "./served.js";
import { Talk } from "./talk.js";

const { startSession, killSession, endSession, heartbeat, getSession, acknowledgeHalt } =
  SessionService.method;
const { watchSession, watchSessions } = SessionService.method;

/** What every sealed entry of a session says, in order. */
interface Sealed {
  readonly event: string;
  readonly session_id?: string | null;
  readonly [member: string]: unknown;
}

describe("InterceptStream", () => {
  let server: Served;
  let admin: GrpcClient;
  const clients: GrpcClient[] = [];
  before(async () => {
    server = await serve();
    admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    clients.push(admin);
  });
  after(async () => {
    for (const client of clients) {
      client.close();
    }
    await server.end();
  });

  const as = (key: string) => {
    const client = openGrpcClient(server.address, { "x-api-key": key });
    clients.push(client);
    return client;
  };
  const ask: GrpcClient["unary"] = async (...call) => {
    const result = await admin.unary(...call);
    expect(result.status.code, result.status.details).to.equal(0);
    return result;
  };
  const start = async (budget?: number, client = admin) => {
    const budgets = budget === undefined ? {} : { budgets: { maxActions: BigInt(budget) } };
    const { message, status } = await client.unary(startSession, { ...budgets });
    expect(status.code, status.details).to.equal(0);
    return message?.session?.sessionId ?? "";
  };
  const sealed = async (session_id: string): Promise<Sealed[]> => {
    const entries: Sealed[] = [];
    for (;;) {
      const { message } = await ask(VaultService.method.listEntries, {
        fromSequence: BigInt(all_entries.length),
        pageSize: 500,
      });
      all_entries.push(...(message?.entries ?? []).map(({ content }) => JSON.parse(content) as Sealed));
      if ((message?.entries.length ?? 0) < 500) {
        break;
      }
    }
    entries.push(...all_entries.filter((each) => each.session_id === session_id));
    return entries;
  };
  const all_entries: Sealed[] = [];
  const credentialOf = async (name: string) => {
    const { message } = await ask(CredentialService.method.registerAgent, { name });
    return {
      secret: message?.credential?.secret ?? "",
      credential_id: message?.credential?.credentialId ?? "",
    };
  };
  const reasonOf = (status: Awaited<Talk["ended"]>) => errorInfo(status.metadata)?.reason;

  it("answers many intercepts of one session, each with its ref, and ends when the caller has said all", async () => {
    const session_id = await start(1000);
    const talk = new Talk(admin);
    talk.open(session_id);
    for (let ref = 1; ref <= 600; ref++) {
      talk.ask(ref);
    }
    talk.close();
    expect((await talk.ended).code).to.equal(0);
    expect(talk.heard[0]?.case).to.equal("opened");
    const verdicts = talk.all("verdict");
    expect(verdicts.map(({ ref }) => ref).sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 600 }, (_, i) => i + 1),
    );
    expect(new Set(verdicts.map(({ verdict }) => verdict?.decision))).to.deep.equal(new Set([Verdict.ALLOW]));
    const decisions = (await sealed(session_id)).filter(({ event }) => event === "enforcement_decision");
    expect(decisions).to.have.length(600);
  });

  it("the directive of a kill comes before the terminates, once, and both name the stop", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    await ask(killSession, { sessionId: session_id, reason: "manual stop" });
    talk.ask(1);
    const { verdict } = await talk.until("verdict");
    expect(verdict?.decision).to.equal(Verdict.TERMINATE);
    const [directive, ...more] = talk.all("directive");
    expect(more).to.deep.equal([]);
    expect(talk.heard.map((each) => each.case)).to.deep.equal(["opened", "directive", "verdict"]);
    expect([directive?.kind, directive?.reason, directive?.stopReason]).to.deep.equal([
      DirectiveKind.STOP,
      "manual stop",
      StopReason.MANUAL,
    ]);
    expect(directive?.haltId)
      .to.match(/^halt_[0-9a-f]{12}$/)
      .and.equal(verdict?.haltId);
    talk.close();
    expect((await talk.ended).code).to.equal(0);
  });

  it("an idle stream hears of its stop without asking", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    await ask(killSession, { sessionId: session_id });
    expect((await talk.until("directive")).kind).to.equal(DirectiveKind.STOP);
    talk.cut();
  });

  it("the stop by a budget overtakes the verdict that brings it about", async () => {
    const session_id = await start(2);
    const talk = new Talk(admin);
    talk.open(session_id);
    for (const ref of [1, 2, 3]) {
      talk.ask(ref);
    }
    await talk.until("verdict", ({ ref }) => ref === 3);
    const order = talk.heard.map((each) => each.case);
    expect(order.indexOf("directive")).to.be.below(order.length - 1);
    expect(talk.all("directive")[0]?.stopReason).to.equal(StopReason.BUDGET_EXCEEDED);
    talk.cut();
  });

  it("a stream on a session that is stopped already hears it right after it is opened", async () => {
    const session_id = await start();
    await ask(killSession, { sessionId: session_id });
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("directive");
    expect(talk.heard.map((each) => each.case)).to.deep.equal(["opened", "directive"]);
    expect(talk.all("opened")[0]?.session?.status).to.equal(SessionStatus.KILLED);
    talk.cut();
  });

  it("a session that merely ended has an end to tell and no stop to acknowledge", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    await ask(endSession, { sessionId: session_id });
    const directive = await talk.until("directive");
    expect([directive.kind, directive.haltId, directive.reason]).to.deep.equal([
      DirectiveKind.END,
      undefined,
      "the session has ended",
    ]);
    expect((await talk.ended).code).to.equal(0);
  });

  it("STOPPING and STOPPED are sealed with the time of the directive, and end the stream", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    await ask(killSession, { sessionId: session_id });
    const { haltId = "" } = await talk.until("directive");
    const { UNSPECIFIED, TASKS_CANCELLED } = HaltEvidence;
    talk.say({
      case: "acknowledge",
      value: { ref: 7, haltId, phase: HaltPhase.STOPPING, evidence: UNSPECIFIED },
    });
    expect((await talk.until("acknowledged")).ref).to.equal(7);
    talk.say({
      case: "acknowledge",
      value: { ref: 8, haltId, phase: HaltPhase.STOPPED, evidence: TASKS_CANCELLED },
    });
    expect((await talk.ended).code).to.equal(0);
    expect(talk.all("acknowledged").map(({ ref }) => ref)).to.deep.equal([7, 8]);
    const [started, killed, acknowledged, confirmed, ...more] = await sealed(session_id);
    expect(more).to.deep.equal([]);
    expect(started?.event).to.equal("session_started");
    expect(acknowledged).to.include({ event: "halt_acknowledged", via: "stream", halt_id: haltId });
    expect(String(acknowledged?.delivered_at) >= String(killed?.at)).to.equal(true);
    expect(String(acknowledged?.delivered_at) <= String(acknowledged?.acknowledged_at)).to.equal(true);
    expect(confirmed).to.include({ event: "halt_confirmed", evidence: "tasks_cancelled" });
    const elapsed_ms = Date.parse(String(confirmed?.confirmed_at)) - Date.parse(String(killed?.at));
    expect(confirmed?.elapsed_ms).to.equal(elapsed_ms);
  });

  it("a stop that is confirmed by another call ends the stream", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    await ask(killSession, { sessionId: session_id });
    const { haltId = "" } = await talk.until("directive");
    const evidence = HaltEvidence.PROCESS_EXIT;
    await ask(acknowledgeHalt, { sessionId: session_id, haltId, phase: HaltPhase.STOPPED, evidence });
    expect((await talk.ended).code).to.equal(0);
  });

  it("a unary acknowledgement is sealed with the way by which the stop was first told", async () => {
    for (const [via, tell] of [
      ["heartbeat", (sessionId: string) => ask(heartbeat, { sessionId })],
      [
        "intercept",
        (sessionId: string) => ask(EnforcementService.method.intercept, { sessionId, actionType: "look" }),
      ],
      ["supervisor", async () => {}],
    ] as const) {
      const session_id = await start();
      const { message } = await ask(killSession, { sessionId: session_id });
      const haltId = message?.session?.haltId ?? "";
      await tell(session_id);
      await ask(acknowledgeHalt, { sessionId: session_id, haltId, phase: HaltPhase.STOPPING });
      const acknowledged = (await sealed(session_id)).find(({ event }) => event === "halt_acknowledged");
      expect(acknowledged?.via).to.equal(via);
      expect(acknowledged?.delivered_at === null).to.equal(via === "supervisor");
    }
  });

  for (const [name, watch] of [
    ["watchSession", (of: GrpcClient, sessionId: string) => of.stream(watchSession, { sessionId })],
    ["watchSessions", (of: GrpcClient) => of.stream(watchSessions, {})],
  ] as const) {
    it(`so is one after an agent's ${name} has told the stop`, async () => {
      const { secret } = await credentialOf(`watcher by ${name}`);
      const agent = as(secret);
      const session_id = await start(undefined, agent);
      const told = new Promise<string>((resolve) => {
        watch(agent, session_id)
          .on("data", ({ update }: WatchSessionResponse | WatchSessionsResponse) => {
            if (update.case === "session" && update.value.haltId !== undefined) {
              resolve(update.value.haltId);
            }
          })
          .on("error", () => {});
      });
      await ask(killSession, { sessionId: session_id });
      const acknowledgement = { sessionId: session_id, haltId: await told, phase: HaltPhase.STOPPING };
      expect((await agent.unary(acknowledgeHalt, acknowledgement)).status.code).to.equal(0);
      const acknowledged = (await sealed(session_id)).find(({ event }) => event === "halt_acknowledged");
      expect(acknowledged?.via).to.equal("stream");
      expect(acknowledged?.delivered_at).to.be.a("string");
    });
  }

  it("each bad message is answered for its ref, counts nothing and does not end the stream", async () => {
    const session_id = await start(10);
    const talk = new Talk(admin);
    talk.ask(1);
    await talk.until("error", ({ ref }) => ref === 1);
    talk.open(session_id);
    talk.ask(2, { actionType: "no spaces" });
    talk.say({ case: "intercept", value: { ref: 3 } });
    talk.ask(0);
    talk.open(session_id);
    talk.say({ case: undefined });
    talk.say({ case: "intercept", value: { ref: 4, action: { actionType: "look", sessionId: "another" } } });
    const halt = { haltId: "halt_000000000000", evidence: HaltEvidence.UNSPECIFIED };
    talk.say({ case: "acknowledge", value: { ref: 5, ...halt, phase: HaltPhase.STOPPING } });
    talk.say({ case: "acknowledge", value: { ref: 6, ...halt, phase: HaltPhase.STOPPED } });
    talk.say({ case: "acknowledge", value: { ref: 7, ...halt, phase: HaltPhase.UNSPECIFIED } });
    talk.ask(8);
    await talk.until("verdict", ({ ref }) => ref === 8);
    talk.close();
    expect((await talk.ended).code).to.equal(0);
    const errors = talk.all("error").map(({ ref, error }) => `${ref} ${error?.code}`);
    expect(errors.sort()).to.deep.equal([
      "0 invalid_argument",
      "0 invalid_argument",
      "0 invalid_argument",
      "1 invalid_argument",
      "2 invalid_action_type",
      "3 invalid_argument",
      "4 invalid_argument",
      "5 session_not_stopped",
      "6 invalid_argument",
      "7 invalid_argument",
    ]);
    const { message } = await ask(getSession, { sessionId: session_id });
    expect(message?.session?.consumed?.actions).to.equal(1n);
  });

  it("a session that cannot be had ends the call with the error of any call on it", async () => {
    const talk = new Talk(admin);
    talk.open("sess_none");
    expect(reasonOf(await talk.ended)).to.equal("session_not_found");
    const { secret } = await credentialOf("other-bot");
    const foreign = new Talk(as(secret));
    foreign.open(await start());
    expect(reasonOf(await foreign.ended)).to.equal("insufficient_permissions");
  });

  it("a repeat with the same idempotency key is counted once, also by another way", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    talk.ask(1, { idempotencyKey: "once" });
    talk.ask(2, { idempotencyKey: "once" });
    const first = await talk.until("verdict", ({ ref }) => ref === 1);
    const second = await talk.until("verdict", ({ ref }) => ref === 2);
    expect(second.verdict?.decisionId).to.equal(first.verdict?.decisionId);
    const action = { sessionId: session_id, actionType: "look", idempotencyKey: "once" };
    const { message } = await ask(EnforcementService.method.intercept, action);
    expect(message?.decisionId).to.equal(first.verdict?.decisionId);
    expect(message?.consumed?.actions).to.equal(1n);
    talk.cut();
  });

  it("a revoked API key closes its streams, after what was under way is answered", async () => {
    const { message } = await ask(KeyService.method.createKey, { name: "bot", roles: [Role.AGENT] });
    const client = as(message?.secret ?? "");
    const session_id = await start(undefined, client);
    const talk = new Talk(client);
    talk.open(session_id);
    await talk.until("opened");
    await ask(KeyService.method.revokeKey, { keyId: message?.key?.keyId ?? "" });
    expect(reasonOf(await talk.ended)).to.equal("expired_api_key");
    const { message: after } = await ask(getSession, { sessionId: session_id });
    expect(after?.session?.status).to.equal(SessionStatus.ACTIVE);
  });

  it("a key that expires ends its streams at that moment, in silence", async () => {
    const { message } = await ask(KeyService.method.createKey, {
      name: "short",
      roles: [Role.AGENT],
      ttlSeconds: 2n,
    });
    const client = as(message?.secret ?? "");
    const talk = new Talk(client);
    talk.open(await start(undefined, client));
    expect(reasonOf(await talk.ended)).to.equal("expired_api_key");
    expect(talk.heard.map((each) => each.case)).to.deep.equal(["opened"]);
  });

  describe("of a revoked credential", () => {
    const revoked = async (name: string) => {
      const { secret, credential_id } = await credentialOf(name);
      const client = as(secret);
      const session_id = await start(undefined, client);
      const talk = new Talk(client);
      talk.open(session_id);
      await talk.until("opened");
      await ask(CredentialService.method.revokeCredential, { credentialId: credential_id, reason: "leaked" });
      return { client, session_id, talk };
    };

    it("hears its stop, is told terminate, acknowledges, and ends with the confirmation", async () => {
      const { talk, session_id } = await revoked("bot-1");
      const { haltId = "", stopReason } = await talk.until("directive");
      expect(stopReason).to.equal(StopReason.CREDENTIAL_REVOKED);
      talk.ask(1);
      expect((await talk.until("verdict")).verdict?.decision).to.equal(Verdict.TERMINATE);
      const evidence = HaltEvidence.GROUP_EMPTY;
      talk.say({ case: "acknowledge", value: { haltId, phase: HaltPhase.STOPPED, evidence } });
      expect((await talk.ended).code).to.equal(0);
      expect((await sealed(session_id)).at(-1)?.event).to.equal("halt_confirmed");
    });

    it("learns by every other way of asking, and may acknowledge by a call", async () => {
      const { client, session_id, talk } = await revoked("bot-2");
      talk.cut();
      const action = { sessionId: session_id, actionType: "look" };
      const single = await client.unary(EnforcementService.method.intercept, action);
      expect(single.message?.decision).to.equal(Verdict.TERMINATE);
      const batch = await client.unary(EnforcementService.method.interceptBatch, { actions: [action] });
      const result = batch.message?.results[0]?.result;
      expect(result?.case === "verdict" && result.value.decision).to.equal(Verdict.TERMINATE);
      const again = new Talk(client);
      again.open(session_id);
      const { haltId = "" } = await again.until("directive");
      again.cut();
      for (const { message } of [
        await client.unary(getSession, { sessionId: session_id }),
        await client.unary(heartbeat, { sessionId: session_id }),
      ]) {
        expect(message?.session?.status).to.equal(SessionStatus.KILLED);
      }
      const phase = HaltPhase.STOPPING;
      const { status } = await client.unary(acknowledgeHalt, { sessionId: session_id, haltId, phase });
      expect(status.code).to.equal(0);
    });

    it("is refused on the sessions of others, and for all else", async () => {
      const { client, talk } = await revoked("bot-3");
      talk.cut();
      const other = await start();
      const foreign = new Talk(client);
      foreign.open(other);
      expect(reasonOf(await foreign.ended)).to.equal("expired_api_key");
      const { status } = await client.unary(endSession, { sessionId: other });
      expect(errorInfo(status.metadata)?.reason).to.equal("expired_api_key");
    });
  });

  it("a client that does not read makes itself wait, its stop overtakes what waits, and nothing is lost", async () => {
    const session_id = await start();
    const talk = new Talk(admin);
    talk.open(session_id);
    await talk.until("opened");
    talk.pause();
    const many = 3000;
    for (let ref = 1; ref <= many; ref++) {
      talk.ask(ref);
    }
    talk.close();
    const counted = await unchanging(256, async () => {
      const { message } = await ask(getSession, { sessionId: session_id });
      return Number(message?.session?.consumed?.actions);
    });
    // What fits the window of a stream, and what may be under way beside it.
    expect(counted).to.be.within(256, many / 2);
    await ask(killSession, { sessionId: session_id });
    talk.resume();
    expect((await talk.ended).code).to.equal(0);
    const allowed = talk.all("verdict").filter(({ verdict }) => verdict?.decision === Verdict.ALLOW);
    expect([allowed.length, talk.all("verdict").length]).to.deep.equal([counted, many]);
    const place = talk.heard.findIndex((each) => each.case === "directive");
    const before = talk.heard.slice(0, place).filter((each) => each.case === "verdict").length;
    expect(before, "the directive waits behind no verdict").to.be.below(counted - 200);
  });

  /** Reads a number until it is as large as it must become, and has then stood still for many reads. */
  async function unchanging(least: number, read: () => Promise<number>): Promise<number> {
    let value = await read();
    for (let same = 0; same < 50; same++) {
      const next = await read();
      if (next !== value || value < least) {
        value = next;
        same = 0;
      }
    }
    return value;
  }
});
