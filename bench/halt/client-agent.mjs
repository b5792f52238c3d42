/** An agent by the client for TypeScript, as bench/halt/raw-agent.ts is one: its signal is aborted. */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "../../sdk/typescript/dist/src/node.js";

const client = createClient();
for await (const _ of createInterface({ input: process.stdin })) {
  const session = await client.startSession();
  // Its watch is there by then.
  await pause(1000);
  console.log(JSON.stringify({ session_id: session.id }));
  await new Promise((resolve) =>
    session.signal.addEventListener("abort", () => {
      const cancelled_ns = process.hrtime.bigint();
      console.log(JSON.stringify({ cancelled_ns: String(cancelled_ns) }));
      resolve();
    }),
  );
  await session.close();
}
await client.close();
