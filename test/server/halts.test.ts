import { join } from "node:path";
import { expect } from "chai";
import { HaltMode, HaltService, HaltStatus, ScopeKind } from "../../gen/killcord/v1/halt_pb.js";
import {
  type Session,
  SessionService,
  SessionStatus,
  StopReason,
  type WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

const { listSessions, getSession, pauseSession, resumeSession, acknowledgeHalt, watchSessions } =
  SessionService.method;

describe("halts of a real server", () => {
  let server: Served;
  let client: GrpcClient;
  beforeEach(async () => {
    server = await serve();
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  afterEach(async () => {
    client.close();
    await server.end();
  });

  const ask: GrpcClient["unary"] = async (...call) => {
    const result = await client.unary(...call);
    expect(result.status.code, result.status.details).to.equal(0);
    return result;
  };
  const refusal = async (...call: Parameters<GrpcClient["unary"]>) =>
    errorInfo((await client.unary(...call)).status.metadata)?.reason;
  const start = async (more: object = {}): Promise<string> => {
    const { message } = await ask(SessionService.method.startSession, more);
    return message?.session?.sessionId ?? "";
  };
  const order = async (kind: ScopeKind, id: string, mode: HaltMode, key?: string) => {
    const repeat = key === undefined ? {} : { idempotencyKey: key };
    const { message } = await ask(HaltService.method.halt, { scope: { kind, id }, mode, ...repeat });
    return message?.halt ?? expect.fail("it answers the halt");
  };
  const lift = async (haltId: string) => {
    const { message } = await ask(HaltService.method.liftHalt, { haltId, reason: "done" });
    return message?.halt ?? expect.fail("it answers the halt");
  };
  const list = async (status?: HaltStatus) => {
    const { message } = await ask(HaltService.method.listHalts, status === undefined ? {} : { status });
    return (message?.halts ?? []).map((each) => [each.haltId, each.status]);
  };
  const rest = (path: string, body?: object) => curl(server, `/v1/enforce/${path}`, server.admin_key, body);

  it("hold, list, lift and stop over gRPC and REST, before and after a restart, and verify", async () => {
    const label = { agentId: "loan-bot", label: "nightly" };
    const [first, second] = [await start(label), await start(label)];
    const other = await start({ agentId: "pay-bot" });
    await rest("intercept", { session_id: first, action_type: "look" });

    const night = await order(ScopeKind.LABEL, "nightly", HaltMode.PAUSE, "k1");
    expect((await order(ScopeKind.LABEL, "nightly", HaltMode.PAUSE, "k1")).haltId).to.equal(night.haltId);
    const twice = await client.unary(HaltService.method.halt, {
      scope: { kind: ScopeKind.LABEL, id: "another" },
      idempotencyKey: "k1",
    });
    expect(errorInfo(twice.status.metadata)?.reason).to.equal("idempotency_key_mismatch");
    const bot = await order(ScopeKind.AGENT, "loan-bot", HaltMode.PAUSE);
    const held = await rest("intercept", { session_id: first, action_type: "look" });
    expect([held.decision, held.session_status, held.halt_id, held.consumed.actions]).to.deep.equal([
      "block",
      "paused",
      night.haltId,
      1,
    ]);
    const listed = await rest("sessions");
    expect(listed.sessions.map((each: { session_id: string }) => each.session_id)).to.deep.equal([
      other,
      second,
      first,
    ]);
    expect((await rest("sessions?status=paused&page_size=1")).total).to.equal(2);
    expect((await rest("stats")).sessions).to.deep.include({ active: 1, paused: 2 });
    expect(await refusal(resumeSession, { sessionId: first })).to.equal("scope_halted");
    expect((await rest("sessions/start", label)).error.code).to.equal("scope_halted");

    await server.end("SIGKILL");
    client.close();
    server = await serve({ data: server.data });
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    expect(await list(HaltStatus.IN_FORCE)).to.deep.equal([
      [bot.haltId, HaltStatus.IN_FORCE],
      [night.haltId, HaltStatus.IN_FORCE],
    ]);
    const lifted = await lift(night.haltId);
    expect([lifted.status, lifted.liftReason, lifted.liftedBy]).to.deep.equal([
      HaltStatus.LIFTED,
      "done",
      night.requestedBy,
    ]);
    expect(await lift(night.haltId)).to.deep.equal(lifted);
    expect((await rest(`sessions/${first}`)).status).to.equal("paused");
    await rest(`halts/${bot.haltId}/lift`, {});
    expect((await rest(`sessions/${first}`)).status).to.equal("active");
    expect((await rest("intercept", { session_id: first, action_type: "look" })).consumed.actions).to.equal(
      2,
    );

    const all = await order(ScopeKind.WORKSPACE, "", HaltMode.KILL);
    const { message } = await ask(getSession, { sessionId: other });
    expect([message?.session?.stopReason, message?.session?.haltId]).to.deep.equal([
      StopReason.HALTED,
      all.haltId,
    ]);
    expect((await rest("intercept", { action_type: "look" })).decision).to.equal("block");
    await lift(all.haltId);
    expect((await rest("intercept", { action_type: "look" })).decision).to.equal("allow");
    expect((await list()).length).to.equal(3);

    const out = join(freshFolder(), "export");
    await server.end();
    expect((await command(["export", "--out", out, "--data", server.data])).status).to.equal(0);
    const verified = await command(["verify", out]);
    expect(verified.status, verified.stdout).to.equal(0);
    server = await serve({ data: server.data });
  }).timeout(60_000);

  it("are refused where there is nothing to order or to lift", async () => {
    const { halt, liftHalt } = HaltService.method;
    const ofSession = (id: string) => ({ scope: { kind: ScopeKind.SESSION, id } });
    expect(await refusal(halt, ofSession("sess_none"))).to.equal("session_not_found");
    const stopped = await start();
    await ask(SessionService.method.killSession, { sessionId: stopped });
    expect(await refusal(halt, ofSession(stopped))).to.equal("session_not_active");
    expect(await refusal(resumeSession, { sessionId: stopped })).to.equal("session_not_active");
    expect(await refusal(halt, { scope: { kind: ScopeKind.AGENT, id: "" } })).to.equal("invalid_argument");
    expect(await refusal(halt, { scope: { kind: ScopeKind.WORKSPACE, id: "ws_other" } })).to.equal(
      "invalid_argument",
    );
    expect(await refusal(halt, {})).to.equal("invalid_argument");
    expect(await refusal(liftHalt, { haltId: "halt_000000000000" })).to.equal("halt_not_found");
    const [over] = await list();
    expect(over?.[1]).to.equal(HaltStatus.OVER);
    expect((await lift(String(over?.[0]))).status).to.equal(HaltStatus.OVER);
  });

  it("are heard by watchers of active sessions, as a pause and as its end", async () => {
    const session_id = await start({ agentId: "loan-bot" });
    const seen: Session[] = [];
    const watch = client.stream(watchSessions, { agentId: "loan-bot", status: [SessionStatus.ACTIVE] });
    const reached = (fits: (session: Session) => boolean) =>
      new Promise<Session>((resolve) => {
        const look = () => {
          const found = seen.find(fits);
          if (found !== undefined) {
            watch.off("data", look);
            resolve(found);
          }
        };
        watch.on("data", look);
        look();
      });
    watch.on("data", ({ update }: WatchSessionsResponse) => {
      if (update.case === "session") {
        seen.push(update.value);
      }
    });
    watch.on("error", () => {});
    await reached(({ status }) => status === SessionStatus.ACTIVE);
    await ask(pauseSession, { sessionId: session_id, reason: "who asked" });
    const held = await reached(({ status }) => status === SessionStatus.PAUSED);
    expect([held.pauseReason, held.haltId !== undefined, held.pausedAt !== undefined]).to.deep.equal([
      "who asked",
      true,
      true,
    ]);
    const acknowledged = await ask(acknowledgeHalt, {
      sessionId: session_id,
      haltId: held.haltId ?? "",
      phase: 1,
      supervisor: true,
    });
    expect(acknowledged.message?.session?.status).to.equal(SessionStatus.PAUSED);
    seen.splice(0);
    await ask(resumeSession, { sessionId: session_id });
    const active = await reached(({ status }) => status === SessionStatus.ACTIVE);
    expect([active.pauseReason, active.haltId, active.pausedAt]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    watch.cancel();
    const { entries } = await curl(server, "/v1/vault/entries?page_size=500", server.admin_key);
    const word = entries
      .map(({ content }: { content: string }) => JSON.parse(content))
      .find(({ event }: { event: string }) => event === "halt_acknowledged");
    expect([word?.via, word?.session_id]).to.deep.equal(["supervisor", session_id]);
  });

  it("page through sessions with those that are held after the active ones", async () => {
    const sessions: string[] = [];
    for (let i = 0; i < 6; i++) {
      sessions.push(await start());
    }
    for (const i of [1, 4]) {
      await ask(pauseSession, { sessionId: sessions[i] ?? "" });
    }
    await ask(SessionService.method.endSession, { sessionId: sessions[2] ?? "" });
    const seen: (string | undefined)[] = [];
    for (let pageToken = ""; ; ) {
      const { message } = await ask(listSessions, { pageSize: 2, pageToken });
      seen.push(...(message?.sessions ?? []).map(({ sessionId }) => sessionId));
      pageToken = message?.nextPageToken ?? "";
      if (pageToken === "") {
        break;
      }
    }
    expect(seen).to.deep.equal([5, 3, 0, 4, 1, 2].map((i) => sessions[i]));
  });
});
