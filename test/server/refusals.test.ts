/** What a refusal says, on every transport: what happened, what was expected, what to do. */
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { CostSchema, EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { KeyService, type Role } from "../../gen/killcord/v1/key_pb.js";
import { BudgetsSchema, type OnExceeded, SessionService } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { detailsOf, errorInfo, statusDetails } from "../rpc/status-details.js";
import { curl, type Served, serve } from "./served.js";

describe("a refusal", () => {
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

  const rest = async (path: string, body: object, key = server.admin_key) =>
    (await curl(server, path, key, body)).error;
  /** A call of Connect with JSON that a generated client would not send. */
  const connect = async (method: string, body: object) => {
    const reply = await fetch(`${server.url}/killcord.v1.${method}`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await reply.json()) as { code: string; message: string };
  };
  const start = "/v1/enforce/sessions/start";

  it("carries ErrorInfo and BadRequest on gRPC, in the status that any client reads", async () => {
    const { status } = await admin.unary(EnforcementService.method.intercept, { actionType: "no spaces" });
    expect(status.code).to.equal(Code.InvalidArgument);
    expect(statusDetails(status.metadata)).to.include({ code: status.code, message: status.details });
    expect(errorInfo(status.metadata)).to.include({ reason: "invalid_action_type", domain: "killcord" });
    const [bad] = detailsOf(status.metadata, BadRequestSchema);
    expect(bad?.fieldViolations.map(({ field }) => field)).to.deep.equal(["action_type"]);
    expect(bad?.fieldViolations[0]?.description).to.match(/^must be 1 to 128 characters of /);
  });

  it("carries the same on Connect", async () => {
    const transport = createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" });
    const headers = { "x-api-key": server.admin_key };
    const request = { actionType: "no spaces" };
    const { intercept } = EnforcementService.method;
    const error = await transport.unary(intercept, undefined, undefined, headers, request).then(
      () => null,
      (thrown: unknown) => ConnectError.from(thrown),
    );
    const [info] = error?.findDetails(ErrorInfoSchema) ?? [];
    expect(info).to.include({ reason: "invalid_action_type", domain: "killcord" });
    expect(error?.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).to.equal("action_type");
  });

  it("has the envelope on REST", async () => {
    const error = await rest("/v1/enforce/intercept", { action_type: "no spaces" });
    expect(error).to.have.all.keys("code", "message", "request_id", "details");
    expect(error.code).to.equal("invalid_action_type");
    expect(error.details[0].field).to.equal("action_type");
  });

  it("of a missing role names the route, the roles it takes and those that the key has", async () => {
    const { secret } = await curl(server, "/v1/keys", server.admin_key, { name: "a", roles: ["auditor"] });
    const error = await rest("/v1/enforce/sessions/sess_1/kill", {}, secret);
    expect(error.message).to.equal(
      "KillSession (POST /v1/enforce/sessions/{session_id}/kill) needs the role admin or operator, " +
        "and this key has auditor: use another key, or have one made",
    );
  });

  it("of an unknown word lists those that there are", async () => {
    const error = await rest("/v1/keys", { name: "a", roles: ["root"] });
    expect(error.message).to.equal("roles[0]: expected one of agent, operator, approver, auditor, admin");
    const in_connect = await connect("KeyService/CreateKey", { name: "a", roles: ["root"] });
    expect(in_connect.message).to.include("expected one of ROLE_AGENT, ROLE_OPERATOR, ");
    const { status } = await admin.unary(KeyService.method.createKey, { name: "a", roles: [77 as Role] });
    expect(status.details).to.equal("roles[0]: expected one of agent, operator, approver, auditor, admin");
  });

  it("of a number out of its range names the field's range and not that of its type", async () => {
    const range = "expected a whole number from 0 to 9007199254740991";
    const error = await rest(start, { budgets: { max_actions: 1.5 } });
    expect(error.message).to.equal(`budgets.max_actions: ${range}`);
    const in_connect = await connect("SessionService/StartSession", { budgets: { maxActions: 1.5 } });
    expect(in_connect.message).to.include(range);
  });

  it("of money says what money is, whether its form or its size is wrong", async () => {
    const expected = "expected USD from 0 to 9007199254.740991 as text, with 6 decimals at most";
    for (const max_cost_usd of ["5 USD", "0.0000001"]) {
      const budgets = { maxCostUsd: max_cost_usd };
      const { status } = await admin.unary(SessionService.method.startSession, { budgets });
      expect(status.details).to.equal(`budgets.max_cost_usd: ${expected}`);
      const { message } = await connect("SessionService/StartSession", { budgets });
      expect(message).to.equal(`budgets.max_cost_usd: ${expected}`);
      expect((await rest(start, { budgets: { max_cost_usd } })).message).to.equal(
        `budgets.max_cost_usd: ${expected}, or as a number of 15 digits at most`,
      );
    }
  });

  it("does not pass over a limit that this version can't hold in the binary form, where it is an unknown field", async () => {
    const max_wishes = { no: 99, wireType: 0, data: new Uint8Array([5]) };
    const budgets = create(BudgetsSchema, { maxActions: 1n });
    budgets.$unknown = [max_wishes];
    expect([...toBinary(BudgetsSchema, budgets)]).to.include.members([0x98, 0x06, 5]);
    const { status } = await admin.unary(SessionService.method.startSession, { budgets });
    expect(status.details).to.equal("budgets.99: the field of this number is not supported by this version");
    const stun = { budgets: { maxActions: 1n, onExceeded: 7 as OnExceeded } };
    const stunned = await admin.unary(SessionService.method.startSession, stun);
    expect(stunned.status.code).to.equal(Code.InvalidArgument);
    expect(stunned.status.details).to.equal("budgets.on_exceeded: expected one of terminate, pause");
    for (const name of ["cost", "estimate"] as const) {
      const cost = create(CostSchema, { tokens: 1n });
      cost.$unknown = [max_wishes];
      const asked = { actionType: "look", sessionId: "sess_1", [name]: cost };
      const { status: refused } = await admin.unary(EnforcementService.method.intercept, asked);
      expect(refused.details).to.equal(
        `${name}.99: the field of this number is not supported by this version`,
      );
    }
  });

  it("of an item of a batch stays with the item, also of one that can't be read", async () => {
    const { session_id } = await curl(server, start, server.admin_key, {});
    const good = { session_id, action_type: "look" };
    const actions = [good, { ...good, action_type: 5 }, 7, null, { ...good, metadata: [] }, good];
    const { results, failed, ok } = await curl(server, "/v1/enforce/batch", server.admin_key, { actions });
    expect([ok, failed]).to.deep.equal([true, 4]);
    expect(results.map((each: { ok: boolean }) => each.ok)).to.deep.equal([
      true,
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(results[1].error.details).to.deep.equal([{ field: "action_type", issue: "expected a string" }]);
    expect(results[2].error.message).to.equal("actions[2]: expected an object");
    expect(results[5].consumed.actions).to.equal(2);
    const all_bad = await curl(server, "/v1/enforce/batch", server.admin_key, { actions: [1] });
    expect(all_bad).to.include({ ok: true, failed: 1 });
    const no_list = await curl(server, "/v1/enforce/batch", server.admin_key, { actions: 1 });
    expect(no_list.error.code).to.equal("invalid_argument");
  });
});
