/** A program that knows nothing of Killcord: what its supervisor sends is what stops it. */
import { setTimeout as pause } from "node:timers/promises";

process.once("SIGTERM", () => {
  const cancelled_ns = process.hrtime.bigint();
  console.log(JSON.stringify({ cancelled_ns: String(cancelled_ns) }));
  process.exit(0);
});
// Its supervisor watches by then.
await pause(1000);
console.log(JSON.stringify({ session_id: process.env.KILLCORD_SESSION_ID }));
setInterval(() => {}, 60_000);
