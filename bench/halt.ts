/**
 * How long a stop takes: from the kill call to the agent that knows, and each step of it, for agents in each
 * language and under the supervisor, beside sessions that others watch.
 *
 * Run by `npm run bench:halt [-- --sessions N[,N…]] [--kills N] [--agents NAME[,NAME…]] [--json]`. Everything
 * runs in processes of its own on one machine. `answered` and `cancelled` are from just before the call, by
 * CLOCK_MONOTONIC, which all processes read; `delivered`, `acknowledged` and `confirmed` are from the sealed
 * request, in whole milliseconds, by the server's clock, as GetHalt shows them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { serve } from "../test/server/served.js";
import { Agent, type Kind, kinds } from "./halt/agents.js";

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "1,1000,10000" },
    kills: { type: "string", default: "100" },
    agents: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const kills = Number(values.kills);
const steps = ["answered", "cancelled", "delivered", "acknowledged", "confirmed"] as const;
type Step = (typeof steps)[number];
/** Milliseconds of each step, a kill each. */
type Times = Readonly<Record<Step, number[]>>;

interface Row {
  readonly agent: string;
  readonly sessions: number;
  readonly kills: number;
  readonly unconfirmed: number;
  readonly ms: Readonly<Record<Step, { readonly p50: number; readonly p99: number }>>;
}

const rows: Row[] = [];
const asked = values.agents?.split(",");
const agents = kinds((name, lack) => console.error(`without ${name}: ${lack}`)).filter(
  ({ name }) => asked?.includes(name) ?? true,
);
if (!values.json) {
  console.log(
    ["agent".padEnd(14), "sessions".padStart(8), ...steps.map((step) => `${step} p50 p99`.padStart(22))].join(
      " ",
    ),
  );
}
for (const sessions of values.sessions.split(",").map(Number)) {
  const server = await serve({ flags: ["--log-level", "silent"] });
  const caller = connect(server.url);
  const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
  // On its own credential: to an operator's watch a stop is shown, and not delivered.
  const { credential } = await call(caller, server.admin_key, "agents", { name: "bench" });
  const agent_env = { ...env, KILLCORD_API_KEY: (credential as { readonly secret: string }).secret };
  const others = spawn(
    process.execPath,
    [resolve("dist/bench/halt/others.js"), server.url, String(sessions)],
    {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  try {
    await once(others.stdout, "data");
    for (const kind of agents) {
      const row = await measure(kind, caller, server.admin_key, agent_env, sessions);
      rows.push(row);
      if (!values.json) {
        console.log(shown(row));
      }
    }
  } finally {
    others.stdin.end();
    caller.destroy();
    await server.end();
  }
}
if (values.json) {
  console.log(JSON.stringify(rows));
}

async function measure(
  kind: Kind,
  caller: ClientHttp2Session,
  key: string,
  env: Readonly<Record<string, string>>,
  sessions: number,
): Promise<Row> {
  const agent = new Agent(kind, env);
  const count = kind.once === true ? Math.ceil(kills / 4) : kills;
  const times: Times = { answered: [], cancelled: [], delivered: [], acknowledged: [], confirmed: [] };
  let unconfirmed = 0;
  try {
    // A few more than are told: the first are for the compilers.
    for (let i = -Math.ceil(count / 10); i < count; i++) {
      const session_id = await agent.next();
      const began = process.hrtime.bigint();
      const { halt_id } = await call(caller, key, `sessions/${session_id}/kill`, {});
      const answered = process.hrtime.bigint();
      const cancelled = await agent.cancelled();
      const halt = await settled(caller, key, String(halt_id));
      if (i >= 0) {
        times.answered.push(Number(answered - began) / 1e6);
        times.cancelled.push(Number(cancelled - began) / 1e6);
        unconfirmed += halt.confirmed_at === undefined ? 1 : 0;
        const requested_ms = Date.parse(String(halt.requested_at));
        for (const step of ["delivered", "acknowledged", "confirmed"] as const) {
          const at = halt[`${step}_at`];
          if (at !== undefined) {
            times[step].push(Date.parse(at) - requested_ms);
          }
        }
      }
    }
  } finally {
    await agent.end();
  }
  const ms = Object.fromEntries(
    steps.map((step) => [step, { p50: at(times[step], 0.5), p99: at(times[step], 0.99) }]),
  ) as Row["ms"];
  return { agent: kind.name, sessions, kills: count, unconfirmed, ms };
}

/** The session of a stop, once it is known whether its client has stopped. */
async function settled(caller: ClientHttp2Session, key: string, halt_id: string) {
  for (;;) {
    const { sessions } = await call(caller, key, `halts/${halt_id}`);
    const [session] = sessions as readonly Readonly<Record<string, string>>[];
    if (session !== undefined && (session.step === "confirmed" || session.step === "unconfirmed")) {
      return session;
    }
    await pause(10);
  }
}

/** A call over REST on a connection that is open already: a get without a body. */
function call(
  session: ClientHttp2Session,
  key: string,
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const stream = session.request(
    { ":method": body === undefined ? "GET" : "POST", ":path": `/v1/enforce/${path}`, "x-api-key": key },
    { endStream: body === undefined },
  );
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  if (body !== undefined) {
    stream.end(JSON.stringify(body));
  }
  return new Promise((yes, no) => {
    stream.on("error", no).on("end", () => yes(JSON.parse(text)));
  });
}

function at(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function shown({ agent, sessions, ms, unconfirmed }: Row): string {
  const figures = steps.map((step) => `${ms[step].p50.toFixed(1)} ${ms[step].p99.toFixed(1)}`.padStart(22));
  const lack = unconfirmed === 0 ? "" : ` ${unconfirmed} unconfirmed`;
  return `${[agent.padEnd(14), String(sessions).padStart(8), ...figures].join(" ")}${lack}`;
}
