/**
 * Leases in bad weather, with a real server and a client that keeps the rule: whatever is cut, held
 * back, suspended or restarted, the client has stopped itself before the server says that it is lost,
 * and nothing is lost that was there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { EnforcementService, InterceptRequestSchema, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";
import { leaseGrace } from "../../src/core/lease.js";
import { limits } from "../../src/limits.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { command, freshFolder, type Served, serve } from "../server/served.js";
import { Talk } from "../server/talk.js";
import { type Happening, LeasedClient } from "./leased-client.js";
import { openProxy, type WeatherProxy } from "./proxy.js";
import { pass, resume, suspend } from "./suspended.js";

const lease_seconds = 2;
const lost_ms = lease_seconds * 1000 + leaseGrace(lease_seconds);
const { startSession, getSession, watchSession, heartbeat } = SessionService.method;

describe("leases in bad weather", function () {
  this.timeout(60_000);
  let server: Served;
  let admin: GrpcClient;
  let proxy: WeatherProxy;
  let clients: LeasedClient[];
  let programs: ChildProcess[];

  const use = (started: Served) => {
    server = started;
    admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  };
  const again = async () => {
    admin.close();
    use(await serve({ data: server.data }));
  };

  before(async () => use(await serve()));
  after(async () => {
    admin.close();
    await server.end();
  });
  beforeEach(async () => {
    proxy = await openProxy(server.address);
    clients = [];
    programs = [];
  });

  afterEach(async () => {
    for (const client of clients) {
      client.die();
    }
    for (const program of programs) {
      program.kill("SIGKILL");
    }
    await proxy.close();
    resume(server.process.pid as number);
  });

  async function start(leaseSeconds = lease_seconds) {
    const sent_ms = performance.now();
    const { message, status } = await admin.unary(startSession, { agentId: "loan-bot", leaseSeconds });
    expect(status.code, status.details).to.equal(0);
    return { session_id: message?.session?.sessionId ?? "", lease_seconds: leaseSeconds, sent_ms };
  }

  /** A client behind the proxy, and what happened to it and to its session, in the order of this process. */
  async function run() {
    const session = await start();
    const order: (Happening | "lost")[] = [];
    const client = new LeasedClient(proxy.url, server.admin_key, session, (each) => order.push(each));
    clients.push(client);
    const lost = ended(session.session_id).then((stop_reason) => {
      expect(stop_reason).to.equal(StopReason.LEASE_LOST);
      order.push("lost");
    });
    await client.until("renewed");
    return { ...session, client, order, lost };
  }

  /** Resolves to the reason when the session is stopped. */
  function ended(session_id: string): Promise<StopReason | undefined> {
    return new Promise((told, failed) => {
      const watch = admin.stream(watchSession, { sessionId: session_id });
      watch.on("error", failed);
      watch.on("data", ({ update }: { update: { case?: string; value?: unknown } }) => {
        const session = update.value as { status: SessionStatus; stopReason: StopReason };
        if (update.case === "session" && session.status === SessionStatus.KILLED) {
          told(session.stopReason);
        }
      });
    });
  }

  async function status(session_id: string): Promise<SessionStatus | undefined> {
    const { message } = await admin.unary(getSession, { sessionId: session_id });
    return message?.session?.status;
  }

  async function act(session_id: string, client = admin): Promise<Verdict | undefined> {
    const action = create(InterceptRequestSchema, { sessionId: session_id, actionType: "step" });
    const { message } = await client.unary(EnforcementService.method.intercept, action);
    return message?.decision;
  }

  it("the way to the server is a black hole: the client stops itself, then the server says so", async () => {
    const { client, order, lost, session_id } = await run();
    proxy.set({ up: "hold", accept: "hold" });
    await lost;
    expect(order.filter((each) => each !== "renewed" && each !== "unheard")).to.deep.equal([
      "stopped itself",
      "lost",
    ]);
    // What it sent arrives late, and brings nothing back.
    proxy.clear();
    expect(client.happened.at(-1)).to.equal("stopped itself");
    expect(await act(session_id)).to.equal(Verdict.TERMINATE);
  });

  it("the way back is a black hole: being heard is not enough for the client, and it stops first", async () => {
    const { order, lost } = await run();
    proxy.set({ down: "hold" });
    await lost;
    expect(order.filter((each) => each !== "renewed" && each !== "unheard")).to.deep.equal([
      "stopped itself",
      "lost",
    ]);
  });

  it("connections that are cut over and over cost a client nothing that is heard between", async () => {
    const { client, session_id, order } = await run();
    const until_ms = performance.now() + 2 * lost_ms;
    while (performance.now() < until_ms) {
      const renewed = order.filter((each) => each === "renewed").length;
      proxy.cut();
      await client.until("renewed", renewed + 1);
    }
    expect(order).not.to.include("lost");
    expect(await status(session_id)).to.equal(SessionStatus.ACTIVE);
  });

  it("a slow way is no loss as long as answers come within the lease", async () => {
    const { client, session_id, order } = await run();
    proxy.set({ delay_ms: 100 });
    await client.until("renewed", 6);
    expect(order).not.to.include("lost");
    expect(await status(session_id)).to.equal(SessionStatus.ACTIVE);
  });

  it("a stream that is closed one way ends, and the lease runs on until the client is heard on another", async () => {
    const { session_id } = await start();
    const behind = openGrpcClient(proxy.address, { "x-api-key": server.admin_key });
    const first = new Talk(behind);
    first.open(session_id);
    await first.until("opened");
    for (let nonce = 1n; nonce <= 3n; nonce++) {
      first.say({ case: "renew", value: { nonce } });
      expect(await first.until("renewed", (each) => each.nonce === nonce)).to.include({ nonce });
    }
    const seen = proxy.taken;
    proxy.halfClose("up");
    await first.ended;
    const second = new Talk(behind);
    second.open(session_id);
    await proxy.connected(seen + 1);
    await second.until("opened");
    second.say({ case: "renew", value: { nonce: 4n } });
    await second.until("renewed");
    // Bookmarks, an open stream and its opening are no signs of life.
    expect(await ended(session_id)).to.equal(StopReason.LEASE_LOST);
    expect((await second.until("directive")).stopReason).to.equal(StopReason.LEASE_LOST);
    behind.close();
  });

  it("a client that is suspended is lost, and stops as soon as it wakes", async () => {
    const { session_id } = await start();
    const program = resolve("dist/test/weather/leased-client.js");
    const child = spawn(process.execPath, [
      program,
      server.url,
      server.admin_key,
      session_id,
      `${lease_seconds}`,
    ]);
    programs.push(child);
    let said = "";
    const closed = new Promise((done) => child.once("close", done));
    await new Promise<void>((renewed) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("renewed")) {
          renewed();
        }
      });
    });
    await suspend(child.pid as number);
    expect(await ended(session_id)).to.equal(StopReason.LEASE_LOST);
    resume(child.pid as number);
    await closed;
    expect(said.trimEnd().split("\n").at(-1)).to.be.oneOf(["stopped itself", "was told"]);
  });

  it("a server that was suspended hears what was sent meanwhile before it says that anybody is lost", async () => {
    const [heard, silent] = [await start(), await start()];
    const other = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    // A connection that is there, so that the action lies in the server's socket.
    await other.unary(heartbeat, { sessionId: heard.session_id });
    await suspend(server.process.pid as number);
    const verdict = act(heard.session_id, other);
    await pass(lost_ms + limits.stall_ms);
    resume(server.process.pid as number);
    expect(await verdict).to.equal(Verdict.ALLOW);
    expect(await ended(silent.session_id)).to.equal(StopReason.LEASE_LOST);
    other.close();
  });

  it("a restart begins every lease anew, however the server ended and however long it was away", async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => start()));
    await server.end("SIGKILL");
    await pass(lost_ms);
    await again();
    const kept = sessions.slice(0, 10).map(({ session_id }) => session_id);
    const verdicts = await Promise.all(kept.map((session_id) => act(session_id)));
    expect(verdicts).to.deep.equal(kept.map(() => Verdict.ALLOW));
    const reasons = await Promise.all(sessions.map(({ session_id }) => ended(session_id)));
    expect(new Set(reasons)).to.deep.equal(new Set([StopReason.LEASE_LOST]));
    await verified();
  });

  it("a client does not notice a restart that is shorter than its lease", async () => {
    const session = await start(300);
    const client = new LeasedClient(proxy.url, server.admin_key, { ...session, beat_ms: 200 });
    clients.push(client);
    await client.until("renewed");
    await server.end("SIGKILL");
    await client.until("unheard", 2);
    await again();
    proxy.retarget(server.address);
    const renewed = client.happened.filter((each) => each === "renewed").length;
    await client.until("renewed", renewed + 2);
    expect(await status(session.session_id)).to.equal(SessionStatus.ACTIVE);
    expect(await act(session.session_id)).to.equal(Verdict.ALLOW);
  });

  /** The evidence says so too. */
  async function verified(): Promise<void> {
    const out = resolve(freshFolder(), "evidence");
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    expect((await command(["export", "--out", out], env)).status).to.equal(0);
    const { status, stdout } = await command(["verify", out]);
    expect(status, stdout).to.equal(0);
  }
});
