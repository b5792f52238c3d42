/** The main job, end to end, over the wire: a run is opened, bounded, watched, stopped and proven. */
import { expect } from "chai";
import { EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import {
  SessionService,
  SessionStatus,
  StopReason,
  type WatchSessionResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { type Served, serve } from "./served.js";

describe("a gRPC client of a real server", () => {
  let server: Served;
  let client: GrpcClient;
  before(async () => {
    server = await serve();
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  after(async () => {
    client.close();
    await server.end();
  });

  async function start(max_actions: bigint): Promise<string> {
    const { message, status } = await client.unary(SessionService.method.startSession, {
      agentId: "loan-bot",
      budgets: { maxActions: max_actions, ttlSeconds: 3600n },
    });
    expect(status.code, status.details).to.equal(0);
    return message?.session?.sessionId ?? "";
  }

  function intercept(session_id: string) {
    return client.unary(EnforcementService.method.intercept, {
      sessionId: session_id,
      actionType: "transfer_funds",
      actionContent: "pay 5",
    });
  }

  it("is told to terminate at the third action of two", async () => {
    const session_id = await start(2n);
    const verdicts = [];
    for (let i = 0; i < 3; i++) {
      verdicts.push((await intercept(session_id)).message);
    }
    expect(verdicts.map((verdict) => verdict?.decision)).to.deep.equal([
      Verdict.ALLOW,
      Verdict.ALLOW,
      Verdict.TERMINATE,
    ]);
    expect(verdicts[2]?.stopReason).to.equal(StopReason.BUDGET_EXCEEDED);
    expect(verdicts[2]?.haltId).to.match(/^halt_[0-9a-f]{12}$/);
    expect(verdicts[2]?.consumed?.actions).to.equal(2n);
  });

  it("sees the present state, then each change in order, then the kill and the end of its watch", async () => {
    const session_id = await start(10n);
    const stream = client.stream(SessionService.method.watchSession, { sessionId: session_id });
    const seen: WatchSessionResponse[] = [];
    let begun = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    stream.on("data", (message: WatchSessionResponse) => {
      seen.push(message);
      begun();
    });
    const ended = new Promise((resolve) => stream.once("end", resolve));
    await first;
    await intercept(session_id);
    await client.unary(SessionService.method.killSession, { sessionId: session_id, reason: "manual stop" });
    await ended;
    const states = seen.flatMap(({ update }) => (update.case === "session" ? [update.value] : []));
    expect(states[0]?.status).to.equal(SessionStatus.ACTIVE);
    expect(states[0]?.consumed?.actions).to.equal(0n);
    expect(states.at(-1)?.status).to.equal(SessionStatus.KILLED);
    expect(states.at(-1)?.killReason).to.equal("manual stop");
    expect(states.at(-1)?.consumed?.actions).to.equal(1n);
    const revisions = seen.map(({ revision }) => revision);
    expect(revisions).to.deep.equal([...revisions].sort((a, b) => Number(a - b)));
  });

  it("gets the end of a session that has ended already, and nothing after it", async () => {
    const session_id = await start(1n);
    await client.unary(SessionService.method.endSession, { sessionId: session_id });
    const stream = client.stream(SessionService.method.watchSession, { sessionId: session_id });
    const seen: WatchSessionResponse[] = [];
    stream.on("data", (message: WatchSessionResponse) => seen.push(message));
    await new Promise((resolve) => stream.once("end", resolve));
    expect(seen.map(({ update }) => (update.case === "session" ? update.value.status : null))).to.deep.equal([
      SessionStatus.ENDED,
    ]);
  });

  it("is refused a watch with a token of another log", async () => {
    const session_id = await start(1n);
    const resumeToken = Buffer.from(JSON.stringify(["another.example/log", 1])).toString("base64url");
    const stream = client.stream(SessionService.method.watchSession, { sessionId: session_id, resumeToken });
    stream.resume();
    const error = await new Promise<{ code: number }>((resolve) => stream.once("error", resolve as never));
    expect(error.code).to.equal(15);
  });
});
