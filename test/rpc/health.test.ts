import { once } from "node:events";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.js";
import { limits } from "../../src/limits.js";
import { createHealth } from "../../src/rpc/health.js";
import type { KillcordError } from "../../src/services/errors.js";
import { type GrpcClient, openGrpcClient, statusOf } from "./grpc-client.js";
import { type Running, start } from "./running.js";

describe("rpc: health, without a key", () => {
  let server: Running;
  let client: GrpcClient;
  beforeEach(async () => {
    server = await start();
    client = openGrpcClient(`127.0.0.1:${server.port}`);
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  it("Check answers for the server and for each service whether commands are taken", async () => {
    for (const service of ["", "killcord.v1.SessionService", "grpc.health.v1.Health"]) {
      for (const ready of [true, false]) {
        server.door.is_ready = ready;
        const { message } = await client.unary(Health.method.check, { service });
        expect(message?.status).to.equal(ready ? Status.SERVING : Status.NOT_SERVING);
      }
    }
  });

  it("List answers for the server and for each service", async () => {
    server.door.is_ready = false;
    const { message } = await client.unary(Health.method.list, {});
    const statuses = Object.entries(message?.statuses ?? {}).map(([name, { status }]) => [name, status]);
    expect(statuses.sort()).to.deep.equal([
      ["", Status.NOT_SERVING],
      ["grpc.health.v1.Health", Status.NOT_SERVING],
      ["killcord.probe.ProbeService", Status.NOT_SERVING],
      ["killcord.v1.EnforcementService", Status.NOT_SERVING],
      ["killcord.v1.SessionService", Status.NOT_SERVING],
    ]);
  });

  it("a server that drains is not serving, and says so to who watches before their stream ends", async () => {
    const stream = client.stream(Health.method.watch, { service: "" });
    const ended = statusOf(stream);
    const told: Status[] = [];
    stream.on("data", ({ status }) => told.push(status));
    await once(stream, "data");
    const closed = server.close(1000);
    expect((await ended).code).to.equal(Code.Unavailable);
    expect(told).to.deep.equal([Status.SERVING, Status.NOT_SERVING]);
    await closed;
  });

  it("Check of a service that is not there is not found", async () => {
    const { status } = await client.unary(Health.method.check, { service: "killcord.v1.NoService" });
    expect(status.code).to.equal(Code.NotFound);
  });

  it("Watch tells the present state, then the change", async () => {
    const stream = client.stream(Health.method.watch, { service: "" });
    const ended = statusOf(stream);
    const [first] = await once(stream, "data");
    expect(first.status).to.equal(Status.SERVING);
    server.door.is_ready = false;
    const [second] = await once(stream, "data");
    expect(second.status).to.equal(Status.NOT_SERVING);
    stream.cancel();
    await ended;
  });

  it("Watch of a service that is not there says so and stays open", async () => {
    const stream = client.stream(Health.method.watch, { service: "x" });
    const ended = statusOf(stream);
    const [first] = await once(stream, "data");
    expect(first.status).to.equal(Status.SERVICE_UNKNOWN);
    stream.cancel();
    expect((await ended).code).to.equal(Code.Canceled);
  });

  it("only so many watch at a time, and a watch that ends makes room", async () => {
    const health = createHealth(server.door);
    const stop = new AbortController();
    const watches = Array.from({ length: limits.health_watches }, () =>
      health.watch("", stop.signal)[Symbol.asyncIterator](),
    );
    await Promise.all(watches.map((each) => each.next()));
    const more = () => health.watch("", stop.signal)[Symbol.asyncIterator]();
    const refused = await more()
      .next()
      .catch((error: KillcordError) => error.code);
    expect(refused).to.equal("overloaded");
    await watches[0]?.return?.();
    expect((await more().next()).value.status).to.equal(Status.SERVING);
    stop.abort();
  });

  it("/healthz answers as long as the process does; /readyz only while commands are taken", async () => {
    const ask = async (path: string, method = "GET") => {
      const reply = await fetch(server.url + path, { method });
      return { status: reply.status, body: await reply.text() };
    };
    expect(await ask("/healthz")).to.deep.equal({ status: 200, body: '{"ok":true}' });
    expect(await ask("/readyz")).to.deep.equal({ status: 200, body: '{"ok":true,"reasons":[]}' });
    server.door.is_ready = false;
    expect(await ask("/healthz")).to.deep.equal({ status: 200, body: '{"ok":true}' });
    expect(await ask("/readyz")).to.deep.equal({
      status: 503,
      body: '{"ok":false,"reasons":[{"code":"log_unwritable","message":"the disk is full"}]}',
    });
    expect(await ask("/readyz?verbose=1")).to.include({ status: 503 });
    expect(await ask("/healthz", "HEAD")).to.deep.equal({ status: 200, body: "" });
    expect(await ask("/healthz", "POST")).to.include({ status: 405 });
  });
});
