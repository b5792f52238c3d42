/** grpcurl, which knows nothing of this API but what reflection tells it, against the real server. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { services } from "../../src/services/workspace.js";
import { type Served, serve } from "../server/served.js";

const run = promisify(execFile);

describe("grpcurl, by reflection alone", () => {
  // Written by the suite that found it.
  const program = readFileSync(".build/grpcurl.txt", "utf8");
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  async function grpcurl(...words: string[]): Promise<string> {
    const { stdout } = await run(program, ["-plaintext", ...words]);
    return stdout;
  }

  const call = (method: string, request: object) =>
    grpcurl("-H", `x-api-key: ${server.admin_key}`, "-d", JSON.stringify(request), server.address, method);

  it("lists every service and the methods of one", async () => {
    expect((await grpcurl(server.address, "list")).trim().split("\n")).to.have.members([
      ...services.map(({ typeName }) => typeName),
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
    const methods = await grpcurl(server.address, "list", SessionService.typeName);
    expect(methods.trim().split("\n")).to.have.members(
      SessionService.methods.map(({ name }) => `${SessionService.typeName}.${name}`),
    );
  });

  it("describes services, methods, messages, fields and enums, with their options", async () => {
    const service = await grpcurl(server.address, "describe", SessionService.typeName);
    expect(service).to.include('post: "/v1/enforce/sessions/start"');
    expect(await grpcurl(server.address, "describe", `${SessionService.typeName}.KillSession`)).to.include(
      "KillSessionRequest",
    );
    expect(await grpcurl(server.address, "describe", "killcord.v1.KillSessionRequest")).to.include(
      "max_len: 1024",
    );
    expect(await grpcurl(server.address, "describe", "killcord.v1.Session.label")).to.include("label");
    expect(await grpcurl(server.address, "describe", "killcord.v1.SessionStatus")).to.include(
      "SESSION_STATUS_KILLED",
    );
  });

  it("calls: starts a session, asks for an action, kills the session, and hears it", async () => {
    const started = await call("killcord.v1.SessionService/StartSession", { agentId: "loan-bot" });
    const sessionId = JSON.parse(started).session.sessionId;
    const action = { sessionId, actionType: "read" };
    expect(JSON.parse(await call("killcord.v1.EnforcementService/Intercept", action)).decision).to.equal(
      "VERDICT_ALLOW",
    );
    await call("killcord.v1.SessionService/KillSession", { sessionId, reason: "manual stop" });
    expect(JSON.parse(await call("killcord.v1.EnforcementService/Intercept", action)).decision).to.equal(
      "VERDICT_TERMINATE",
    );
    const watched = await call("killcord.v1.SessionService/WatchSession", { sessionId });
    expect(watched).to.include("SESSION_STATUS_KILLED").and.include("manual stop");
  });

  it("reads the errors' details", async () => {
    const refused = await grpcurl(server.address, "killcord.v1.SessionService/ListSessions").catch(
      ({ stderr }) => stderr,
    );
    expect(refused).to.include("Unauthenticated").and.include("missing_api_key");
  });

  it("checks the health", async () => {
    expect(JSON.parse(await grpcurl(server.address, "grpc.health.v1.Health/Check"))).to.deep.equal({
      status: "SERVING",
    });
    const { statuses } = JSON.parse(await grpcurl(server.address, "grpc.health.v1.Health/List"));
    expect(statuses["killcord.v1.SessionService"]).to.deep.equal({ status: "SERVING" });
  });

  it("finds nothing where reflection is switched off, and calls all the same with the files", async () => {
    const silent = await serve({ env: { KILLCORD_REFLECTION: "false" } });
    const refused = await grpcurl(silent.address, "list").catch(({ stderr }) => stderr);
    expect(refused).to.include("does not support the reflection API");
    const files = [
      "-import-path",
      "proto",
      "-import-path",
      "third_party",
      "-proto",
      "killcord/v1/session.proto",
    ];
    const key = `x-api-key: ${silent.admin_key}`;
    const method = "killcord.v1.SessionService/ListSessions";
    expect(JSON.parse(await grpcurl(...files, "-H", key, silent.address, method))).to.be.an("object");
    await silent.end();
  });
});
