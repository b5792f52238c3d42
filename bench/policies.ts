/**
 * What policies cost: durable intercepts a second of a server with so many policies of mixed types, and how
 * much that is of one without any, in turns in the same run, over InterceptStream and over REST. Of the
 * policies (policies/mixed.ts) half are about all actions or those of the type that is asked for, the others
 * about other types. Each of the first is judged with every action and finds nothing, so that none spares the
 * others their work; but for the sequences, which the server passes over for a type that is no step of theirs.
 *
 * Run by `npm run bench:policies [-- ROUNDS POLICIES]`; each turn takes a second and a half. Both servers are
 * processes of their own, and load comes from here.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { loadavg } from "node:os";
import { create, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { InterceptStreamRequestSchema } from "../gen/killcord/v1/enforcement_pb.js";
import { type Served, serve } from "../test/server/served.js";
import type { Said } from "../test/server/talk.js";
import { action, mixed } from "./policies/mixed.js";

const [rounds = 7, policies = 200] = process.argv.slice(2).map(Number);
const round_ms = 1500;
const streams = 4;
const in_flight = 32;
const connections = 64;

/** Loads a server for a while; answers it gave, and the seconds that took. */
type Door = (server: Served) => Promise<Load>;

interface Load {
  readonly answers: number;
  readonly seconds: number;
}

/** Intercepts a second, and what of the server's processors one takes: NaN where that is not told. */
interface Rate {
  readonly per_second: number;
  readonly cpu_us: number;
}
const doors: Readonly<Record<string, Door>> = { stream: overStream, REST: overRest };

const servers = [
  await serve({ flags: ["--log-level", "silent"] }),
  await serve({ flags: ["--log-level", "silent"] }),
] as const;
try {
  const [without, with_policies] = servers;
  for (const policy of mixed(policies)) {
    await post(with_policies, "/v1/enforce/policies", policy);
  }
  const evaluated = await asked(with_policies);
  console.log(
    `${policies} policies, ${evaluated} of them about the action; load ${loadavg()[0]?.toFixed(1)}`,
  );
  for (const [name, door] of Object.entries(doors)) {
    const rates: (readonly [Rate, Rate])[] = [];
    // One round more than is told: the first is for the compiler.
    for (let round = 0; round <= rounds; round++) {
      // Who comes first changes, since the machine may get slower or faster in between.
      const first = round % 2 === 0 ? without : with_policies;
      const a = await measured(door, first);
      const b = await measured(door, first === without ? with_policies : without);
      if (round > 0) {
        rates.push(first === without ? [a, b] : [b, a]);
      }
    }
    tell(name, rates);
  }
} finally {
  await Promise.all(servers.map((server) => server.end()));
}

async function measured(door: Door, server: Served): Promise<Rate> {
  const before = cpuSeconds(server);
  const { answers, seconds } = await door(server);
  return {
    per_second: answers / seconds,
    cpu_us: ((cpuSeconds(server) - before) * 1_000_000) / answers,
  };
}

/** Processor time of a server so far, all its threads together. On a busy machine it says more than the clock. */
function cpuSeconds(server: Served): number {
  try {
    const fields = readFileSync(`/proc/${server.process.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    // utime and stime, in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

function tell(name: string, rates: readonly (readonly [Rate, Rate])[]): void {
  const plain = median(rates.map(([rate]) => rate.per_second));
  const judged = median(rates.map(([, rate]) => rate.per_second));
  const ratios = rates.map(([a, b]) => b.per_second / a.per_second).sort((a, b) => a - b);
  const cpu = [0, 1].map((i) => median(rates.map((each) => (each[i] as Rate).cpu_us)));
  console.log(
    [
      name.padEnd(6),
      `without ${plain.toFixed(0).padStart(6)}/s`,
      `with ${judged.toFixed(0).padStart(6)}/s`,
      `ratio of medians ${(judged / plain).toFixed(2)}`,
      `ratio of a round ${ratios.at(0)?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)}, median ${median(ratios).toFixed(2)}`,
      `CPU ${cpu[0]?.toFixed(0)} and ${cpu[1]?.toFixed(0)} us`,
      `load ${loadavg()[0]?.toFixed(1)}`,
    ].join("  "),
  );
}

/** Policies that the action is judged by; it has to be allowed, or what is measured is something else. */
async function asked(server: Served): Promise<number> {
  const session_id = await sessionOf(server);
  const reply = await post(server, "/v1/enforce/intercept", { ...action, session_id });
  const { decision, reasoning, policies_evaluated } = reply as {
    readonly decision: string;
    readonly reasoning: string;
    readonly policies_evaluated: readonly string[];
  };
  if (decision !== "allow") {
    throw new Error(`the action was answered ${decision}: ${reasoning}`);
  }
  return policies_evaluated.length;
}

async function sessionOf(server: Served): Promise<string> {
  const reply = await post(server, "/v1/enforce/sessions/start", {
    agent_id: "bench-bot",
    label: "bench",
    budgets: { max_actions: 1_000_000_000 },
  });
  return (reply as { readonly session_id: string }).session_id;
}

async function post(server: Served, path: string, body: object): Promise<unknown> {
  const reply = await fetch(server.url + path, {
    method: "POST",
    headers: { "x-api-key": server.admin_key },
    body: JSON.stringify(body),
  });
  const json: unknown = await reply.json();
  if (!reply.ok) {
    throw new Error(`${path}: ${JSON.stringify(json)}`);
  }
  return json;
}

/** Streams that keep so many in flight: an answer is told by its envelope alone, unread. */
async function overStream(server: Served): Promise<Load> {
  const http2 = connect(server.url);
  const counts = { answers: 0 };
  const sessions = await Promise.all(Array.from({ length: streams }, () => sessionOf(server)));
  const began = performance.now();
  await Promise.all(sessions.map((session_id) => talk(http2, server, session_id, counts, began)));
  const seconds = (performance.now() - began) / 1000;
  http2.close();
  return { answers: counts.answers, seconds };
}

async function talk(
  http2: ReturnType<typeof connect>,
  server: Served,
  session_id: string,
  counts: { answers: number },
  began: number,
): Promise<void> {
  const stream = http2.request({
    ":method": "POST",
    ":path": "/killcord.v1.EnforcementService/InterceptStream",
    "content-type": "application/grpc",
    te: "trailers",
    "x-api-key": server.admin_key,
  });
  const { action_type: actionType, action_content: actionContent } = action;
  const metadata = action.metadata as JsonObject;
  const one = bytesOf({
    case: "intercept",
    value: { ref: 1, action: { actionType, actionContent, metadata } },
  });
  stream.write(bytesOf({ case: "open", value: { sessionId: session_id } }));
  stream.write(Buffer.concat(Array.from({ length: in_flight }, () => one)));
  let rest: Buffer = Buffer.alloc(0);
  let opened = false;
  stream.on("data", (piece: Buffer) => {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let told = 0;
    let at = 0;
    while (rest.length - at >= 5 && rest.length - at >= 5 + rest.readUInt32BE(at + 1)) {
      at += 5 + rest.readUInt32BE(at + 1);
      told += 1;
    }
    rest = rest.subarray(at);
    if (!opened && told > 0) {
      opened = true;
      told -= 1;
    }
    counts.answers += told;
    if (performance.now() - began >= round_ms) {
      stream.end();
    } else if (told > 0) {
      stream.write(told === 1 ? one : Buffer.concat(Array.from({ length: told }, () => one)));
    }
  });
  await new Promise((yes) => stream.once("close", yes));
}

function bytesOf(message: Said): Uint8Array {
  const written = create(InterceptStreamRequestSchema, { message } as never);
  return encodeEnvelope(0, toBinary(InterceptStreamRequestSchema, written));
}

/** Connections that ask one after the other, by node:http: a client that costs little. */
async function overRest(server: Served): Promise<Load> {
  const agent = new Agent({ keepAlive: true });
  const sessions = await Promise.all(Array.from({ length: connections }, () => sessionOf(server)));
  const began = performance.now();
  let answers = 0;
  await Promise.all(
    sessions.map(async (session_id) => {
      const body = JSON.stringify({ ...action, session_id });
      while (performance.now() - began < round_ms) {
        await ask(server, agent, body);
        answers += 1;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  return { answers, seconds };
}

function ask(server: Served, agent: Agent, body: string): Promise<void> {
  const headers = { "x-api-key": server.admin_key, "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url}/v1/enforce/intercept`,
      { method: "POST", agent, headers },
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
