/**
 * An agent that speaks the protocol itself: WatchSession over gRPC, acknowledgements over REST. What it does
 * with its standard input and output every agent of bench/halt does: for each line `next` it opens a session,
 * tells its id when it watches it, and when it is stopped the moment at which it knew, by CLOCK_MONOTONIC.
 */
import { createInterface } from "node:readline";
import { openWatch } from "../../test/campaign/lines.js";
import { isOver } from "../../test/campaign/shown.js";

const url = process.env.KILLCORD_URL ?? "";
const key = process.env.KILLCORD_API_KEY ?? "";
const door = { port: Number(new URL(url).port), key };

for await (const _ of createInterface({ input: process.stdin })) {
  const { session_id } = await post("sessions/start", {});
  const path = `sessions/${session_id}/acknowledge`;
  let told = false;
  const line = openWatch(door, "grpc", { session_id: String(session_id) }, null, ({ shown }) => {
    if (shown === null && !told) {
      told = true;
      console.log(JSON.stringify({ session_id }));
    }
    if (shown !== null && isOver(shown)) {
      const cancelled_ns = process.hrtime.bigint();
      console.log(JSON.stringify({ cancelled_ns: String(cancelled_ns) }));
      const { halt_id } = shown;
      void post(path, { halt_id, phase: "stopping" }).then(() =>
        post(path, { halt_id, phase: "stopped", evidence: "tasks_cancelled" }),
      );
    }
  });
  await line.ended;
}

async function post(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const reply = await fetch(`${url}/v1/enforce/${path}`, {
    method: "POST",
    headers: { "x-api-key": key },
    body: JSON.stringify(body),
  });
  return (await reply.json()) as Readonly<Record<string, unknown>>;
}
