import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { openStartingPort, type StartingPort } from "../../src/rpc/starting.js";
import { openGrpcClient } from "./grpc-client.js";

describe("rpc: a port before the log is replayed", () => {
  let port: StartingPort;
  let url: string;
  beforeEach(async () => {
    port = await openStartingPort({ host: "127.0.0.1", port: 0 });
    url = `http://127.0.0.1:${port.address.port}`;
  });
  afterEach(() => port.close(0));

  it("says that it is alive, and why it is not ready", async () => {
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).to.equal(503);
    const { ok, reasons } = (await ready.json()) as { ok: boolean; reasons: { code: string }[] };
    expect([ok, ...reasons.map(({ code }) => code)]).to.deep.equal([false, "starting"]);
  });

  it("asks every caller to come back, in the form of its protocol", async () => {
    const client = openGrpcClient(`127.0.0.1:${port.address.port}`);
    const { status } = await client.unary(SessionService.method.listSessions, {});
    client.close();
    expect(status.code).to.equal(Code.Unavailable);
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const connect = await fetch(`${url}/killcord.v1.SessionService/ListSessions`, post);
    expect([connect.status, ((await connect.json()) as { code: string }).code]).to.deep.equal([
      503,
      "unavailable",
    ]);
    for (const path of ["/v1/enforce/sessions/start", "/api/v1/enforce/sessions/start"]) {
      const rest = await fetch(url + path, post);
      const { ok, error } = (await rest.json()) as { ok: boolean; error: Record<string, string> };
      expect([rest.status, rest.headers.get("retry-after"), ok]).to.deep.equal([503, "1", false]);
      expect(error).to.include({ code: "unavailable", request_id: rest.headers.get("x-request-id") ?? "" });
    }
  });

  it("serves what comes later, also on connections that are open already", async () => {
    await fetch(`${url}/healthz`);
    port.serve((_, reply) => void reply.end("served"));
    expect(await (await fetch(`${url}/healthz`)).text()).to.equal("served");
  });
});
