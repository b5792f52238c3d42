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
 * 4. `after`: an intercept of the stopped session: `verdict`
 * 5. `refused`: it tries to kill a session, which an agent may not: the error in the words of its protocol
 */
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import type { Client, Place, Said } from "./program.js";

const kill_reason = "ran away: ß, 停";

/** Declares the claims for one client; `refusal` is step 5 in the words of its protocol. */
export function isContained(open: (place: Place) => Promise<Client> | Client, refusal: object): void {
  let server: Served;
  let client: Client;
  before(async () => {
    server = await serve();
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

  it("is told to terminate by every action after it", async () => {
    expect(await next("after")).to.deep.equal({ verdict: "terminate" });
  });

  it("may not kill, and reads why in the details of the error", async () => {
    expect(await next("refused")).to.deep.equal(refusal);
  });
}

/** What gRPC and Connect clients are told when an agent tries to kill: PERMISSION_DENIED is 7 in both. */
export const refusal_with_details = { code: 7, reason: "insufficient_permissions", domain: "killcord" };

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
