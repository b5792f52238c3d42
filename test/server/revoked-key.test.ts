/** A key that is revoked takes its streams with it. */
import { expect } from "chai";
import { KeyService, Role } from "../../gen/killcord/v1/key_pb.js";
import { SessionService, type WatchSessionResponse } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { command, freshFolder, type Served, serve } from "./served.js";

describe("a revoked key", () => {
  let server: Served;
  let admin: GrpcClient;
  before(async () => {
    server = await serve();
    admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  after(async () => {
    admin.close();
    await server.end();
  });

  it("loses the watch that it has open", async () => {
    const made = await admin.unary(KeyService.method.createKey, { name: "leaver", roles: [Role.OPERATOR] });
    const started = await admin.unary(SessionService.method.startSession, {});
    const session_id = started.message?.session?.sessionId ?? "";
    const leaver = openGrpcClient(server.address, { "x-api-key": made.message?.secret ?? "" });
    const stream = leaver.stream(SessionService.method.watchSession, { sessionId: session_id });
    const ended = statusOf(stream);
    const first = await new Promise<WatchSessionResponse>((resolve) => stream.once("data", resolve));
    expect(first.update.case).to.equal("session");
    await admin.unary(KeyService.method.revokeKey, { keyId: made.message?.key?.keyId ?? "" });
    stream.resume();
    expect((await ended).details).to.match(/revoked/);
    leaver.close();
  });
});

describe("a second server on the same port", () => {
  it("says so in words for people, and no more", async () => {
    const server = await serve();
    const { status, stderr } = await command([
      "serve",
      "--data",
      `${freshFolder()}/data`,
      "--listen",
      server.address,
    ]);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^killcord: port \d+ on 127\.0\.0\.1 is in use: /m);
    await server.end();
  });
});
