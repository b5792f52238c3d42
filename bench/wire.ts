/**
 * What a group commit is worth over the wire: durable intercepts a second that one caller gets, and
 * many, from a server in a process of its own, over REST and over gRPC.
 *
 * Run by `npm run bench:wire [-- SECONDS [CALLERS…]]`; prints a line for each door and number of
 * callers, and how much each is of one caller on the same door.
 */

import { Agent, request } from "node:http";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EnforcementService } from "../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../gen/killcord/v1/session_pb.js";
import { type Served, serve } from "../test/server/served.js";

const [seconds = 3, ...asked] = process.argv.slice(2).map(Number);
const callers = asked.length > 0 ? asked : [1, 64];

/** Asks for one action of a session. */
type Ask = (session_id: string) => Promise<void>;

const server = await serve({ flags: ["--log-level", "silent"] });
try {
  for (const [door, ask] of doors(server)) {
    let one: number | null = null;
    for (const count of callers) {
      // Twice: the first round is for the compiler.
      await intercepts(count, 0.5, ask);
      const per_second = await intercepts(count, seconds, ask);
      one ??= per_second;
      console.log(
        [
          door.padEnd(5),
          `${String(count).padStart(5)} callers`,
          `${per_second.toFixed(0).padStart(7)} intercepts/s`,
          `${(per_second / one).toFixed(1).padStart(6)} x`,
        ].join("  "),
      );
    }
  }
} finally {
  await server.end();
}

function doors(to: Served): readonly (readonly [string, Ask])[] {
  const enforcement = clients(to).enforcement;
  const agent = new Agent({ keepAlive: true });
  return [
    ["REST", (session_id) => post(to, agent, session_id)],
    [
      "gRPC",
      async (session_id) => {
        await enforcement.intercept({
          sessionId: session_id,
          actionType: "transfer_funds",
          actionContent: "pay 5",
        });
      },
    ],
  ];
}

async function intercepts(count: number, duration_seconds: number, ask: Ask): Promise<number> {
  const { session } = clients(server);
  const sessions = await Promise.all(
    Array.from({ length: count }, async () => (await session.startSession({})).session?.sessionId ?? ""),
  );
  const began = performance.now();
  const until = began + duration_seconds * 1000;
  let total = 0;
  await Promise.all(
    sessions.map(async (session_id) => {
      while (performance.now() < until) {
        await ask(session_id);
        total += 1;
      }
    }),
  );
  return (total * 1000) / (performance.now() - began);
}

function clients(to: Served): {
  readonly enforcement: Client<typeof EnforcementService>;
  readonly session: Client<typeof SessionService>;
} {
  const transport = createGrpcTransport({
    baseUrl: to.url,
    interceptors: [
      (next) => (call) => {
        call.header.set("x-api-key", to.admin_key);
        return next(call);
      },
    ],
  });
  return {
    enforcement: createClient(EnforcementService, transport),
    session: createClient(SessionService, transport),
  };
}

/** One POST by node:http: a client that costs little, so that the server is what is measured. */
function post(to: Served, agent: Agent, session_id: string): Promise<void> {
  const body = JSON.stringify({ session_id, action_type: "transfer_funds", action_content: "pay 5" });
  return new Promise((resolve, reject) => {
    const sent = request(
      `${to.url}/v1/enforce/intercept`,
      {
        method: "POST",
        agent,
        headers: { "x-api-key": to.admin_key, "content-length": Buffer.byteLength(body) },
      },
      (reply) => {
        reply.resume();
        reply.once("end", () =>
          reply.statusCode === 200 ? resolve() : reject(new Error(`answered ${reply.statusCode}`)),
        );
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
