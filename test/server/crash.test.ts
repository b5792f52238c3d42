/**
 * SIGKILL under load: whatever was acknowledged is in the log after a restart, counted, and the log
 * is one that starts and verifies. (A killed process loses nothing that it has written; that a reply
 * waits for the sync is shown by the engine's tests over a journal that drops what was not synced.)
 */

import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { EnforcementService, InterceptRequestSchema, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { command, freshFolder, type Served, serve } from "./served.js";

const rounds = Number(process.env.CRASH_ROUNDS ?? 30);
const callers = 16;

interface Acknowledged {
  readonly decision_id: string;
  readonly session_id: string;
}

describe("a server that is killed under load", () => {
  it(`keeps every acknowledged decision, ${rounds} times`, async function () {
    this.timeout(rounds * 10_000);
    const data = join(freshFolder(), "data");
    const acknowledged: Acknowledged[] = [];
    const sessions: string[] = [];
    let checked = 0;
    for (let round = 0; round < rounds; round++) {
      const server = await serve({ data });
      checked += await check(server, acknowledged.slice(checked), sessions, acknowledged);
      const before = acknowledged.length;
      await load(server, acknowledged, sessions, 20 + ((round * 37) % 150));
      expect(acknowledged.length, "decisions in this round").to.be.greaterThan(before);
    }
    const server = await serve({ data });
    await check(server, acknowledged.slice(checked), sessions, acknowledged);
    await verify(server);
    await server.end();
  });
});

/** Calls from many sides until the server dies; notes only what was answered. */
async function load(server: Served, acknowledged: Acknowledged[], sessions: string[], kill_after: number) {
  const { enforcement, session } = clients(server);
  const opened = await session.startSession({ agentId: "crash-bot" });
  const session_id = opened.session?.sessionId ?? "";
  sessions.push(session_id);
  let answered = 0;
  const caller = async () => {
    for (;;) {
      const request = create(InterceptRequestSchema, {
        sessionId: session_id,
        actionType: "step",
        actionContent: "x".repeat(200),
      });
      const { decisionId, decision } = await enforcement.intercept(request);
      expect(decision).to.equal(Verdict.ALLOW);
      acknowledged.push({ decision_id: decisionId, session_id });
      answered += 1;
      if (answered === kill_after) {
        server.process.kill("SIGKILL");
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: callers }, caller));
  expect(ends.every((end) => end.status === "rejected")).to.equal(true);
  await server.end("SIGKILL");
}

/** Every acknowledged decision is there, and no session counts less than was acknowledged. */
async function check(
  server: Served,
  fresh: readonly Acknowledged[],
  sessions: readonly string[],
  all: readonly Acknowledged[],
): Promise<number> {
  const { enforcement, session } = clients(server);
  for (const { decision_id, session_id } of fresh) {
    const { decision } = await enforcement.getDecision({ decisionId: decision_id });
    expect(decision?.sessionId).to.equal(session_id);
  }
  const last = sessions.at(-1);
  if (last !== undefined) {
    const mine = all.filter(({ session_id }) => session_id === last).length;
    const shown = await session.getSession({ sessionId: last });
    const counted = Number(shown.session?.consumed?.actions);
    expect(counted).to.be.within(mine, mine + callers);
  }
  return fresh.length;
}

async function verify(server: Served): Promise<void> {
  const out = join(freshFolder(), "evidence");
  const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
  const exported = await command(["export", "--out", out], env);
  expect(exported.status, exported.stderr).to.equal(0);
  const verified = await command(["verify", out]);
  expect(verified.status, verified.stdout).to.equal(0);
}

function clients(server: Served): {
  readonly enforcement: Client<typeof EnforcementService>;
  readonly session: Client<typeof SessionService>;
} {
  const transport = createConnectTransport({
    baseUrl: server.url,
    httpVersion: "2",
    interceptors: [
      (next) => (request) => {
        request.header.set("x-api-key", server.admin_key);
        return next(request);
      },
    ],
  });
  return {
    enforcement: createClient(EnforcementService, transport),
    session: createClient(SessionService, transport),
  };
}
