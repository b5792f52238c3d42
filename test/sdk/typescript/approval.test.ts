/** An action that a person has to approve: the client for TypeScript waits for that, and for nothing else. */
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import {
  ActionBlocked,
  ActionEscalated,
  type Session,
  SessionTerminated,
} from "../../../sdk/typescript/src/node.js";
import { curl, type Served, serve } from "../../server/served.js";
import { openProxy } from "../../weather/proxy.js";
import { kill, type Staged, sealed, shown, staged, until } from "./stage.js";

describe("sdk/typescript: an action that a person has to approve", () => {
  let server: Served;
  let agent_key: string;
  let stage: Staged;

  before(async () => {
    server = await serve();
    const key = { name: "agent", roles: ["agent"] };
    agent_key = (await curl(server, "/v1/keys", server.admin_key, key)).secret;
    await curl(server, "/v1/enforce/policies", server.admin_key, {
      name: "a person looks at transfers",
      policy_type: "action_type",
      decision: "escalate",
      action_types: ["transfer_*"],
    });
  });
  after(() => server.end());
  beforeEach(() => {
    stage = staged(server.url, agent_key);
  });
  afterEach(() => stage.client.close());

  const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
  const pending = async ({ id }: Session): Promise<string> => {
    let found: string | undefined;
    await until(async () => {
      const { escalations } = await curl(
        server,
        `/v1/enforce/escalations?session_id=${id}`,
        server.admin_key,
      );
      found = escalations[0]?.escalation_id;
      return found !== undefined;
    });
    return found as string;
  };
  const resolve = (id: string, resolution: "approved" | "rejected", reason: string) =>
    curl(server, `/v1/enforce/escalations/${id}/resolve`, server.admin_key, { resolution, reason });

  it("is allowed when it is approved, counted once, and sealed with its approval", async () => {
    await using session = await stage.client.startSession({ budgets: { maxActions: 1, maxTokens: 10 } });
    const asking = session.intercept("transfer_funds", { content: "pay 5", cost: { tokens: 7 } });
    const id = await pending(session);
    await resolve(id, "approved", "checked by phone");
    expect(await asking).to.deep.include({ offline: false, escalationId: id, actions: 1 });
    expect((await shown(server, session.id)).consumed).to.deep.include({ actions: 1, tokens: 7 });
    const verdicts = (await sealed(server, session.id)).filter(
      ({ event }) => event === "enforcement_decision",
    );
    expect(verdicts.map(({ decision }) => decision)).to.deep.equal(["escalate", "allow"]);
  });

  it("is counted once by a program that is started again in the middle, under one key", async () => {
    await using session = await stage.client.startSession();
    const action = { content: "pay 5", cost: { tokens: 7 }, idempotencyKey: "k".repeat(255) };
    const ending = new AbortController();
    const first = caught(session.intercept("transfer_funds", { ...action, signal: ending.signal }));
    const id = await pending(session);
    ending.abort();
    await first;
    const second = session.intercept("transfer_funds", action);
    await resolve(id, "approved", "");
    const { decisionId } = await second;
    expect(await session.intercept("transfer_funds", action)).to.deep.include({ decisionId });
    expect((await shown(server, session.id)).consumed).to.deep.include({ actions: 1, tokens: 7 });
  });

  it("is blocked when it is rejected, for the reason that was given", async () => {
    await using session = await stage.client.startSession();
    const asking = caught(session.intercept("transfer_funds", { content: "pay 5" }));
    await resolve(await pending(session), "rejected", "not this account");
    const error = await asking;
    expect(error).to.be.instanceOf(ActionBlocked);
    expect((error as ActionBlocked).reasoning).to.equal("a person has rejected it: not this account");
    expect((error as ActionBlocked).nextStep).to.not.equal("");
    expect((error as ActionBlocked).policies.map(({ name }) => name)).to.deep.equal([
      "a person looks at transfers",
    ]);
  });

  it("ends at once with a stop", async () => {
    const session = await stage.client.startSession();
    const asking = caught(session.intercept("transfer_funds"));
    await pending(session);
    await kill(server, session.id);
    expect(await asking)
      .to.be.instanceOf(SessionTerminated)
      .and.deep.include({ stopReason: "manual" });
  });

  it("ends with the caller's signal, and the run goes on", async () => {
    await using session = await stage.client.startSession();
    const ending = new AbortController();
    const asking = caught(session.intercept("transfer_funds", { signal: ending.signal }));
    await pending(session);
    const why = new Error("the user went away");
    ending.abort(why);
    expect(await asking).to.equal(why);
    session.guard();
  });

  it("throws where that was asked for, and is allowed when it is asked for again with its approval", async () => {
    await using session = await stage.client.startSession({ onEscalate: "throw" });
    const error = await caught(session.intercept("transfer_funds", { content: "pay 5" }));
    expect(error).to.be.instanceOf(ActionEscalated);
    const { escalationId } = error as ActionEscalated;
    await resolve(escalationId, "approved", "");
    const other = await caught(session.intercept("transfer_funds", { content: "pay 500", escalationId }));
    expect(other).to.be.instanceOf(ActionBlocked);
    expect(await session.intercept("transfer_funds", { content: "pay 5", escalationId })).to.deep.include({
      escalationId,
    });
  });

  it("goes on waiting over a cut, and is told what was said meanwhile", async () => {
    const proxy = await openProxy(server.address);
    const { client } = staged(proxy.url, agent_key);
    try {
      await using session = await client.startSession();
      const asking = session.reserve("transfer_funds", { estimate: { tokens: 5 } });
      const id = await pending(session);
      proxy.set({ accept: "refuse" });
      proxy.cut();
      await resolve(id, "approved", "");
      proxy.clear();
      expect(await (await asking).settle({ tokens: 4 })).to.deep.include({ outcome: "settled" });
    } finally {
      await client.close();
      await proxy.close();
    }
  });

  it("asks every second where no watch comes through", async () => {
    const streamless: Interceptor = (next) => (request) => {
      if (!request.stream) return next(request);
      throw new ConnectError("no streams here", Code.Unimplemented);
    };
    const openChannel = () => ({
      transport: createConnectTransport({
        baseUrl: server.url,
        httpVersion: "1.1",
        interceptors: [
          streamless,
          (next) => (request) => {
            request.header.set("x-api-key", agent_key);
            return next(request);
          },
        ],
      }),
      close: () => {},
    });
    const { client } = staged(server.url, agent_key, { openChannel });
    try {
      await using session = await client.startSession();
      const asking = session.intercept("transfer_funds");
      await resolve(await pending(session), "approved", "");
      expect(await asking).to.deep.include({ offline: false });
    } finally {
      await client.close();
    }
  });
});
