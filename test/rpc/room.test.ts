import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { Health, HealthCheckRequestSchema } from "../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { GetSessionRequestSchema, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../../src/limits.js";
import { Room } from "../../src/services/room.js";
import { good_key } from "./fake-door.js";
import { openHttp2, request2 } from "./raw.js";
import { type Running, start } from "./running.js";

const headers = { "x-api-key": good_key };
const get_session = "/killcord.v1.SessionService/GetSession";

async function failure(of: Promise<unknown>): Promise<ConnectError> {
  const error = await of.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(ConnectError);
  return error as ConnectError;
}

describe("rpc: the room for messages", () => {
  let server: Running;
  const room = new Room({ bodies_bytes: 100_000, bodies_bytes_kept: 40_000, bodies_bytes_acknowledging: 0 });
  const filled = async (bytes: number) => {
    while (room.taken < bytes) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  before(async () => {
    server = await start({}, { room });
  });
  after(() => server.close());

  it("refuses the messages that find none, but not those of a stop, and is free once the others are over", async () => {
    const session = openHttp2(server.port);
    const half = Buffer.alloc(19_000);
    const head = { ":path": get_session, "content-type": "application/proto", ...headers };
    const parked = [0, 1, 2].map(() => request2(session, head, half, false));
    await filled(3 * half.length);

    for (const make of [createConnectTransport, createGrpcTransport]) {
      const sessions = createClient(SessionService, make({ baseUrl: server.url, httpVersion: "2" }));
      const refused = await failure(sessions.getSession({ sessionId: "s".repeat(4_000) }, { headers }));
      expect(refused.code).to.equal(Code.ResourceExhausted);
      expect(refused.findDetails(RetryInfoSchema)).to.have.length(1);
      await sessions.killSession({ sessionId: "s".repeat(4_000) }, { headers });
    }
    session.destroy();
    await Promise.allSettled(parked);
    const sessions = createClient(SessionService, createGrpcTransport({ baseUrl: server.url }));
    await sessions.getSession({ sessionId: "s".repeat(4_000) }, { headers });
    expect(room.taken).to.equal(0);
  });

  it("gets nothing of a message over the limit", async () => {
    const session = openHttp2(server.port);
    const head = { ":path": get_session, "content-type": "application/proto", ...headers };
    const body = toBinary(
      GetSessionRequestSchema,
      create(GetSessionRequestSchema, { sessionId: "s".repeat(limits.request_body_bytes) }),
    );
    const { headers: told } = await request2(session, head, body);
    expect(told[":status"]).to.equal(429);
    session.destroy();
    expect(room.taken).to.equal(0);
  });

  it("is hardly for who has no key: a health check and a question to reflection are small", async () => {
    const transport = createGrpcTransport({ baseUrl: server.url });
    const service = "s".repeat(limits.keyless_body_bytes);
    const checked = await failure(createClient(Health, transport).check({ service }));
    expect(checked.code).to.equal(Code.ResourceExhausted);
    expect(checked.message).to.include(String(limits.keyless_body_bytes));
    const asked = createClient(ServerReflection, transport).serverReflectionInfo(
      (async function* () {
        yield { messageRequest: { case: "fileContainingSymbol" as const, value: service } };
      })(),
    );
    const reflected = await failure(asked[Symbol.asyncIterator]().next());
    expect(reflected.code).to.equal(Code.ResourceExhausted);
    expect(
      toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })).length,
    ).to.be.above(limits.keyless_body_bytes);
  });
});
