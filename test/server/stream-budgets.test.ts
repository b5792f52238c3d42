/** Budgets on a stream: estimates, settlements and warnings, as a client of grpc-js sees them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  DirectiveKind,
  EnforcementService,
  ReservationOutcome,
  Verdict,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { type BudgetsSchema, SessionService, SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { type Served, serve } from "./served.js";
import { Talk } from "./talk.js";

describe("budgets on an InterceptStream", () => {
  let server: Served;
  let client: GrpcClient;
  const talks: Talk[] = [];
  before(async () => {
    server = await serve();
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  afterEach(() => {
    for (const talk of talks.splice(0)) {
      talk.cut();
    }
  });
  after(async () => {
    client.close();
    await server.end();
  });

  const start = async (budgets: MessageInitShape<typeof BudgetsSchema>): Promise<string> => {
    const { message, status } = await client.unary(SessionService.method.startSession, { budgets });
    expect(message, status.details).not.to.equal(null);
    return message?.session?.sessionId ?? "";
  };
  const open = async (session_id: string): Promise<Talk> => {
    const talk = new Talk(client);
    talks.push(talk);
    talk.open(session_id);
    await talk.until("opened");
    return talk;
  };
  const ask = async (talk: Talk, ref: number, more: object) => {
    talk.say({ case: "intercept", value: { ref, action: { actionType: "call_model", ...more } } });
    const { verdict } = await talk.until("verdict", (each) => each.ref === ref);
    return verdict;
  };

  it("are held and settled by ref, also as not done, and a bad settlement is its own error", async () => {
    const talk = await open(await start({ maxTokens: 100n }));
    const [one, two] = [
      await ask(talk, 1, { estimate: { tokens: 60n } }),
      await ask(talk, 2, { estimate: { tokens: 40n } }),
    ];
    expect(two?.budgetLeft).to.include({ tokens: 0n });
    expect(two?.reserved).to.include({ tokens: 100n });
    const blocked = await ask(talk, 3, { cost: { tokens: 1n } });
    expect(blocked?.decision).to.equal(Verdict.BLOCK);
    const settle = (ref: number, decisionId = "", more: object = {}) =>
      talk.say({ case: "settle", value: { ref, decisionId, ...more } });
    settle(4, one?.decisionId, { cost: { tokens: 10n } });
    const { reservation } = await talk.until("settled", ({ ref }) => ref === 4);
    expect(reservation).to.include({
      decisionId: one?.decisionId,
      outcome: ReservationOutcome.SETTLED,
      sessionStatus: SessionStatus.ACTIVE,
    });
    expect(reservation?.spent).to.include({ tokens: 10n });
    expect(reservation?.reserved).to.include({ tokens: 40n });
    settle(5, two?.decisionId, { cancel: true });
    const cancelled = await talk.until("settled", ({ ref }) => ref === 5);
    expect(cancelled.reservation).to.include({ outcome: ReservationOutcome.CANCELLED });
    const other = await start({});
    const { message } = await client.unary(EnforcementService.method.intercept, {
      sessionId: other,
      actionType: "look",
      estimate: {},
    });
    const bad = [
      [6, "enf_ffffffffffff", {}, "decision_not_found"],
      [7, blocked?.decisionId, {}, "reservation_not_found"],
      [8, two?.decisionId, { cost: { tokens: 1n } }, "reservation_closed"],
      [9, two?.decisionId, { cost: {}, cancel: true }, "invalid_argument"],
      [10, message?.decisionId, {}, "invalid_argument"],
      [11, one?.decisionId, { cost: { costUsd: "0.0000001" } }, "invalid_argument"],
      [0, one?.decisionId, {}, "invalid_argument"],
    ] as const;
    for (const [ref, decision_id, more, code] of bad) {
      settle(ref, decision_id, more);
      const { error } = await talk.until("error", (each) => each.ref === ref);
      expect(error?.code, `${ref}`).to.equal(code);
    }
    expect((await ask(talk, 12, { cost: { tokens: 90n } }))?.budgetLeft).to.include({ tokens: 0n });
  });

  it("warn every stream of the session, once for each part, also by what is settled, and one that comes later", async () => {
    const session_id = await start({ maxTokens: 100n, warnAtPercent: [50, 80] });
    const [talk, other] = [await open(session_id), await open(session_id)];
    const held = await ask(talk, 1, { estimate: { tokens: 60n } });
    await ask(talk, 2, { cost: { tokens: 10n } });
    expect(talk.all("directive")).to.deep.equal([]);
    talk.say({
      case: "settle",
      value: { ref: 3, decisionId: held?.decisionId ?? "", cost: { tokens: 45n } },
    });
    const warning = "50% of max_tokens 100 are used up: 55 spent";
    for (const each of [talk, other]) {
      const said = await each.until("directive");
      expect([said.kind, said.reason, said.haltId]).to.deep.equal([DirectiveKind.WARN, warning, undefined]);
    }
    await ask(talk, 4, { cost: { tokens: 5n } });
    const last = await ask(talk, 5, { cost: { tokens: 25n } });
    expect(last?.warnings.map(({ message }) => message)).to.deep.equal([
      "80% of max_tokens 100 are used up: 85 spent",
    ]);
    await talk.until("directive", ({ reason }) => reason.startsWith("80%"));
    expect(talk.all("directive")).to.have.length(2);
    const late = await open(session_id);
    await ask(late, 1, {});
    expect(late.all("directive").map(({ reason }) => reason)).to.deep.equal([
      "80% of max_tokens 100 are used up: 85 spent",
    ]);
  });

  it("show in a watch what is held at a session and at its parent", async () => {
    const parent = await start({ maxCostUsd: "5" });
    const { message } = await client.unary(SessionService.method.startSession, { parentSessionId: parent });
    const child = message?.session?.sessionId ?? "";
    const shown: string[] = [];
    const watch = client.stream(SessionService.method.watchSession, { sessionId: parent });
    const settled = new Promise<void>((resolve) => {
      watch.on("data", ({ update }) => {
        if (update.case === "session") {
          shown.push(
            `${update.value.consumed?.costUsdMicros} ${update.value.reserved?.costUsdMicros ?? "-"}`,
          );
          if (update.value.consumed?.costUsdMicros === 250_000n) {
            resolve();
          }
        }
      });
    });
    watch.on("error", () => {});
    const { message: asked } = await client.unary(EnforcementService.method.intercept, {
      sessionId: child,
      actionType: "call_model",
      estimate: { costUsd: "0.5" },
    });
    while (shown.at(-1) !== "0 500000") {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { status } = await client.unary(EnforcementService.method.settle, {
      decisionId: asked?.decisionId ?? "",
      cost: { costUsd: "0.25" },
    });
    expect(status.details).to.equal("");
    await settled;
    expect(shown.at(-1)).to.equal("250000 -");
    watch.cancel();
  });
});
