/** SIGTERM under load: callers are answered, streams told to go elsewhere, nothing acknowledged is lost. */
import { readFileSync } from "node:fs";
import { Agent, request as requestHttp } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../gen/grpc/health/v1/health_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService, type WatchSessionResponse } from "../../gen/killcord/v1/session_pb.js";
import { openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { openHttp2 } from "../rpc/raw.js";
import { command, freshFolder, type Served, serve } from "./served.js";

/** Asks over REST on one kept connection until that ends; notes each decision that was answered whole. */
async function askOverRest({ url, admin_key }: Served, session_id: string, acknowledged: string[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      const call = requestHttp(`${url}/v1/enforce/intercept`, {
        method: "POST",
        agent,
        headers: { "x-api-key": admin_key },
      });
      call.on("error", reject).on("response", (reply) => text(reply).then(resolve, reject));
      call.end(JSON.stringify({ session_id, action_type: "step" }));
    });
  try {
    for (;;) {
      const { decision_id } = JSON.parse(await ask()) as { decision_id?: string };
      if (decision_id === undefined) {
        return;
      }
      acknowledged.push(decision_id);
    }
  } catch {
    // The server has gone.
  } finally {
    agent.destroy();
  }
}

describe("a server that is told to stop under load", function () {
  this.timeout(60_000);

  it("answers what it took, tells streams to go elsewhere, exits 0, and has lost nothing", async () => {
    const server = await serve();
    const headers = { "x-api-key": server.admin_key };
    const client = openGrpcClient(server.address, headers);
    const started = await client.unary(SessionService.method.startSession, { agentId: "busy-bot" });
    const session_id = started.message?.session?.sessionId ?? "";

    const watch = client.stream(SessionService.method.watchSession, { sessionId: session_id });
    const watch_ended = statusOf(watch);
    const told: WatchSessionResponse[] = [];
    watch.on("data", (each) => told.push(each));
    const health = client.stream(Health.method.watch, { service: "" });
    const health_ended = statusOf(health);
    const states: HealthCheckResponse[] = [];
    health.on("data", (each) => states.push(each));
    const session = openHttp2(Number(new URL(server.url).port));
    const goaway = new Promise<number>((resolve) => session.on("goaway", resolve));

    const acknowledged: string[] = [];
    const grpc = async () => {
      for (;;) {
        const { message } = await client.unary(EnforcementService.method.intercept, {
          sessionId: session_id,
          actionType: "step",
        });
        if (message === null) {
          return;
        }
        acknowledged.push(message.decisionId);
      }
    };
    const callers = [
      ...Array.from({ length: 8 }, grpc),
      ...Array.from({ length: 8 }, () => askOverRest(server, session_id, acknowledged)),
    ];
    while (acknowledged.length < 300) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await server.end("SIGTERM")).to.equal(0);
    await Promise.all(callers);

    expect(told.at(-1)?.update).to.deep.include({ case: "bookmark" });
    expect(told.at(-1)?.update.value).to.deep.include({ draining: true });
    expect((await watch_ended).code).to.equal(Code.Unavailable);
    expect(states.map(({ status }) => status)).to.deep.equal([Serving.SERVING, Serving.NOT_SERVING]);
    expect((await health_ended).code).to.equal(Code.Unavailable);
    expect(await goaway).to.equal(0);
    client.close();
    session.destroy();

    const out = join(freshFolder(), "evidence");
    const exported = await command(["export", "--out", out, "--data", server.data]);
    expect(exported.status, exported.stderr).to.equal(0);
    const sealed = readFileSync(join(out, "bundle.json"), "utf8");
    expect(acknowledged.filter((id) => !sealed.includes(id))).to.deep.equal([]);
    expect((await command(["verify", out])).status).to.equal(0);
  });

  it("ends also when a reader takes nothing of its stream and a request never comes whole", async () => {
    const server = await serve();
    const session = openHttp2(Number(new URL(server.url).port));
    const stuck = session.request({
      ":method": "POST",
      ":path": "/killcord.v1.SessionService/StartSession",
      "content-type": "application/grpc",
      "x-api-key": server.admin_key,
    });
    stuck.on("error", () => {});
    stuck.write(Buffer.from([0, 0, 0, 0, 9]));
    const readable = openHttp2(Number(new URL(server.url).port));
    await new Promise((resolve) => readable.once("remoteSettings", resolve));
    expect(await server.end("SIGTERM")).to.equal(0);
    session.destroy();
    readable.destroy();
  });
});
