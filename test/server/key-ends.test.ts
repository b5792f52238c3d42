/** Open streams end with their key, at its time; sessions do not end with a rotated credential. */
import { expect } from "chai";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { KeyService, Role } from "../../gen/killcord/v1/key_pb.js";
import { SessionService, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";
import { command, freshFolder, type Served, serve } from "./served.js";

describe("the end of a key", () => {
  let server: Served;
  let admin: GrpcClient;
  const clients: GrpcClient[] = [];
  const as = (secret: string | undefined): GrpcClient => {
    const client = openGrpcClient(server.address, { "x-api-key": secret ?? "" });
    clients.push(client);
    return client;
  };
  before(async () => {
    server = await serve();
    admin = as(server.admin_key);
  });
  after(async () => {
    for (const client of clients) {
      client.close();
    }
    await server.end();
  });

  async function openSession(client: GrpcClient): Promise<string> {
    const started = await client.unary(SessionService.method.startSession, {});
    return started.message?.session?.sessionId ?? "";
  }

  /** A watch that has told its session, and how it ends. */
  async function watching(client: GrpcClient, sessionId: string) {
    const stream = client.stream(SessionService.method.watchSession, { sessionId });
    const ended = statusOf(stream);
    await new Promise((resolve) => stream.once("data", resolve));
    stream.resume();
    return { ended: ended.then(({ metadata }) => errorInfo(metadata)?.reason) };
  }

  it("closes its streams when its time is over, though nothing happens on them", async () => {
    const made = await admin.unary(KeyService.method.createKey, {
      name: "brief",
      roles: [Role.OPERATOR],
      ttlSeconds: 2n,
    });
    const watch = await watching(as(made.message?.secret), await openSession(admin));
    expect(await boundedBy(watch.ended)).to.equal("expired_api_key");
  });

  it("closes its streams when a rotation leaves it no overlap, and not those of the new one", async () => {
    const made = await admin.unary(KeyService.method.createKey, { name: "turned", roles: [Role.OPERATOR] });
    const session_id = await openSession(admin);
    const old = await watching(as(made.message?.secret), session_id);
    const keyId = made.message?.key?.keyId ?? "";
    const first = await admin.unary(KeyService.method.rotateKey, { keyId, overlapSeconds: 3600n });
    const fresh = await watching(as(first.message?.secret), session_id);
    expect(first.message?.replaced?.replacedBy).to.equal(first.message?.key?.keyId);
    await admin.unary(KeyService.method.revokeKey, { keyId });
    expect(await boundedBy(old.ended)).to.equal("expired_api_key");
    const next = await admin.unary(KeyService.method.rotateKey, {
      keyId: first.message?.key?.keyId ?? "",
      overlapSeconds: 0n,
    });
    expect(next.status.code).to.equal(0);
    expect(await boundedBy(fresh.ended)).to.equal("expired_api_key");
    const { status } = await as(next.message?.secret).unary(SessionService.method.listSessions, {});
    expect(status.code).to.equal(0);
  });

  it("leaves the sessions of a rotated credential running, on the new secret, and verifiable", async () => {
    const { message } = await admin.unary(CredentialService.method.registerAgent, { name: "loan-bot" });
    const old_agent = as(message?.credential?.secret);
    const sessionId = await openSession(old_agent);
    const rotated = await admin.unary(CredentialService.method.rotateCredential, {
      credentialId: message?.credential?.credentialId ?? "",
      overlapSeconds: 0n,
    });
    const new_agent = as(rotated.message?.credential?.secret);
    const ask = (client: GrpcClient) =>
      client.unary(EnforcementService.method.intercept, { sessionId, actionType: "look" });
    expect(errorInfo((await ask(old_agent)).status.metadata)?.reason).to.equal("expired_api_key");
    expect((await ask(new_agent)).message?.decision).to.equal(Verdict.ALLOW);
    const watch = new_agent.stream(SessionService.method.watchSession, { sessionId });
    const told: (SessionStatus | undefined)[] = [];
    watch.on("data", ({ update }) => {
      if (update.case === "session") {
        told.push(update.value.status);
      }
    });
    const ended = statusOf(watch);
    const revoked = await admin.unary(CredentialService.method.revokeCredential, {
      credentialId: rotated.message?.credential?.credentialId ?? "",
    });
    expect(revoked.message?.killedSessions).to.deep.equal([sessionId]);
    // The watch of a revoked credential still tells the stop, and ends with it.
    expect((await boundedBy(ended)).code).to.equal(0);
    expect(told.at(-1)).to.equal(SessionStatus.KILLED);
    const { message: seen } = await new_agent.unary(SessionService.method.getSession, { sessionId });
    expect(seen?.session?.stopReason).to.equal(StopReason.CREDENTIAL_REVOKED);
    const out = `${freshFolder()}/out`;
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    expect((await command(["export", "--out", out], env)).status).to.equal(0);
    const verified = await command(["verify", out]);
    expect(verified.stdout).to.include("VERIFIED");
  });
});

/** The answer, or a failure instead of a test that hangs. */
function boundedBy<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error("the stream is still open")), 20_000).unref();
  });
  return Promise.race([work, late]);
}
