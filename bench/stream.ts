/**
 * How many durable intercepts a second InterceptStream gives, and how much that is of a connect-node echo
 * of the same shape, measured in turns in the same run.
 *
 * Run by `npm run bench:stream [-- ROUNDS STREAMS IN_FLIGHT]`; each turn takes a second.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:http2";
import { resolve } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { InterceptStreamRequestSchema } from "../gen/killcord/v1/enforcement_pb.js";
import { serve } from "../test/server/served.js";
import type { Said } from "../test/server/talk.js";

const [rounds = 5, streams = 4, in_flight = 32] = process.argv.slice(2).map(Number);
const round_ms = 1000;

const echo = spawn(process.execPath, [resolve("dist/bench/echo.js")], {
  stdio: ["ignore", "pipe", "inherit"],
});
const server = await serve({ flags: ["--log-level", "silent"] });
try {
  const doors = { echo: `http://127.0.0.1:${await portOf(echo)}`, killcord: server.url };
  const rates: Record<keyof typeof doors, number[]> = { echo: [], killcord: [] };
  // One round more than is told: the first is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, url] of Object.entries(doors)) {
      const rate = await measure(url);
      if (round > 0) {
        rates[name as keyof typeof doors].push(rate);
      }
    }
  }
  const floor = median(rates.echo);
  const reached = median(rates.killcord);
  console.log(`connect-node echo ${floor.toFixed(0).padStart(8)} messages/s`);
  console.log(`InterceptStream   ${reached.toFixed(0).padStart(8)} durable intercepts/s`);
  console.log(`ratio             ${(reached / floor).toFixed(2).padStart(8)}`);
} finally {
  echo.kill();
  await server.end();
}

function portOf(child: ChildProcess): Promise<string> {
  return new Promise((yes) =>
    child.stdout?.setEncoding("utf8").once("data", (text: string) => yes(text.trim())),
  );
}

/** Answers a second. */
async function measure(url: string): Promise<number> {
  const http2 = connect(url);
  const counts = { answers: 0 };
  const began = performance.now();
  await Promise.all(Array.from({ length: streams }, () => talk(http2, url, counts, began)));
  const seconds = (performance.now() - began) / 1000;
  http2.close();
  return counts.answers / seconds;
}

/** One stream that keeps so many in flight: an answer is told by its envelope alone, unread. */
async function talk(
  http2: ReturnType<typeof connect>,
  url: string,
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
  const action = { actionType: "transfer_funds", actionContent: "pay 5" };
  const one = bytesOf({ case: "intercept", value: { ref: 1, action } });
  stream.write(bytesOf({ case: "open", value: { sessionId: await sessionFor(url) } }));
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

async function sessionFor(url: string): Promise<string> {
  if (url !== server.url) {
    return "sess_echo";
  }
  const reply = await fetch(`${url}/v1/enforce/sessions/start`, {
    method: "POST",
    headers: { "x-api-key": server.admin_key },
    body: JSON.stringify({ budgets: { max_actions: 1_000_000_000 } }),
  });
  return ((await reply.json()) as { session_id: string }).session_id;
}

function bytesOf(message: Said): Uint8Array {
  const request = create(InterceptStreamRequestSchema, { message } as never);
  return encodeEnvelope(0, toBinary(InterceptStreamRequestSchema, request));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
