/**
 * The claims that hold for a client in any language, which shares no code with the server: a run
 * opens a session, asks before its actions, is bounded, is killed, and learns it on its stream.
 *
 * A client is an agent's program and takes these steps, each told in one line:
 *
 * 1. `budget`: a session of 2 actions, 3 intercepts: their `verdicts`, and the last `stop_reason`
 * 2. `watching`: another session, its stream open and its present state received: `session_id`,
 *    `status`. Then the operator, who is none of the clients, kills it.
 * 3. `stopped`: what came on the stream: `status`, `kill_reason`, `stop_reason`, `halt_id`; the
 *    stream has ended by itself
 * 4. `after`: an intercept of the stopped session: `verdict`; then it says that it has stopped, and
 *    is answered the session: `status`
 * 5. `refused`: it tries to kill a session, which an agent may not: the error in the words of its protocol
 *
 * A client that has gRPC goes on with an InterceptStream:
 *
 * 6. `streaming`: a session opened on it, an intercept asked and answered: `session_id`, `ref`,
 *    `verdict`. The operator kills it.
 * 7. `directive`: `kind`, `reason`, `stop_reason`, `halt_id`
 * 8. `confirmed`: it says on the stream that it has stopped: the `phase` that is answered; the stream
 *    has ended by itself
 */
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import type { Client, Place, Said } from "./program.js";

const kill_reason = "ran away: ß, 停";

/**
 * Declares the claims for one client.
 *
 * @param refusal step 5 in the words of its protocol
 * @param streams whether it takes the steps of an InterceptStream
 * @param settings what the server's environment must hold for it
 */
export function isContained(
  open: (place: Place) => Promise<Client> | Client,
  {
    refusal = refusal_with_details,
    streams = false,
    settings = () => ({}),
  }: {
    readonly refusal?: object;
    readonly streams?: boolean;
    readonly settings?: () => Record<string, string>;
  } = {},
): void {
  let server: Served;
  let client: Client;
  before(async () => {
    server = await serve({ env: settings() });
    const { secret } = await post(server, "/v1/keys", { name: "interop", roles: ["agent"] });
    client = await open({ url: server.url, api_key: String(secret) });
  });
  after(async () => {
    await client?.end();
    await server?.end();
  });

  async function next(step: string): Promise<Omit<Said, "step">> {
    const { step: said, ...rest } = await client.next();
    expect(said).to.equal(step);
    return rest;
  }

  it("is allowed what fits its budget, and told to terminate at the next action", async () => {
    expect(await next("budget")).to.deep.equal({
      verdicts: ["allow", "allow", "terminate"],
      stop_reason: "budget_exceeded",
    });
  });

  it("learns on its stream that an operator has killed it, and why", async () => {
    const { session_id, ...state } = await next("watching");
    expect(state).to.deep.equal({ status: "active" });
    const killed = await post(server, `/v1/enforce/sessions/${session_id}/kill`, { reason: kill_reason });
    expect(await next("stopped")).to.deep.equal({
      status: "killed",
      kill_reason,
      stop_reason: "manual",
      halt_id: killed.halt_id,
    });
  });

  it("is told to terminate by every action after it, and says that it has stopped", async () => {
    expect(await next("after")).to.deep.equal({ verdict: "terminate", status: "killed" });
  });

  it("may not kill, and reads why in the details of the error", async () => {
    expect(await next("refused")).to.deep.equal(refusal);
  });

  if (!streams) {
    return;
  }

  it("asks on a stream, hears there that it is killed, and acknowledges it", async () => {
    const { session_id, ...answer } = await next("streaming");
    expect(answer).to.deep.equal({ ref: 7, verdict: "allow" });
    const killed = await post(server, `/v1/enforce/sessions/${session_id}/kill`, { reason: kill_reason });
    expect(await next("directive")).to.deep.equal({
      kind: "stop",
      reason: kill_reason,
      stop_reason: "manual",
      halt_id: killed.halt_id,
    });
    expect(await next("confirmed")).to.deep.equal({ phase: "stopped" });
  });
}

/** What gRPC and Connect clients are told when an agent tries to kill: PERMISSION_DENIED is 7 in both. */
const refusal_with_details = { code: 7, reason: "insufficient_permissions", domain: "killcord" };

/** A call of the operator over REST. */
export async function post(server: Served, path: string, body: object): Promise<Record<string, unknown>> {
  const reply = await fetch(server.url + path, {
    method: "POST",
    headers: { "x-api-key": server.admin_key },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  expect(reply.status, text).to.equal(200);
  return JSON.parse(text);
}
