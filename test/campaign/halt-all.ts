/**
 * `killcord halt --all` on many sessions, each with a busy stream. Run by `npm run halt-all [-- --sessions N]
 * [--idle]`; prints what the command printed, how long it took, and what the verified log says.
 */
import { parseArgs } from "node:util";
import { haltAll } from "./everything.js";

const { values } = parseArgs({
  options: { sessions: { type: "string", default: "1000" }, idle: { type: "boolean", default: false } },
});
const { status, printed, ended, answers, log, took_ms } = await haltAll(
  Number(values.sessions),
  !values.idle,
);
console.log(printed);
console.log(`killcord halt --all: exit status ${status} after ${Math.round(took_ms)} ms`);
console.log(
  `${ended} of ${values.sessions} streams ended after their directive; ${answers} answers before it`,
);
console.log(
  `sealed and verified: ${log.stopped.length} stopped, ${log.confirmed} confirmed, ${log.size} entries`,
);
process.exitCode = status === 0 && log.confirmed === Number(values.sessions) ? 0 : 1;
