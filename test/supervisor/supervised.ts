/** A supervision in a process of its own, led by messages: what `killcord run` is without a server. */
import { ownCgroup } from "../../src/supervisor/cgroup.js";
import { openSupervision } from "../../src/supervisor/supervise.js";

const [sight = "", grace_ms = "1000", file = "", ...words] = process.argv.slice(2);
const tell = (line: string) => process.stderr.write(`killcord: ${line}\n`);
const supervision = await openSupervision({
  proc: sight === "group" ? "/no-such-folder" : "/proc",
  own_cgroup: sight === "cgroup" ? ownCgroup("/proc") : null,
  grace_ms: Number(grace_ms),
  kill_ms: Number(process.env.KILLCORD_TEST_KILL_MS ?? 10_000),
  tell,
  onWake: () => {},
});

process.on("message", (message: { do: "stop" | "hold" | "release" | "alive"; within_ms?: number }) => {
  switch (message.do) {
    case "stop":
      void supervision.stop();
      return;
    case "hold":
      return supervision.hold();
    case "release":
      return supervision.release();
    case "alive":
      return supervision.tellAlive(message.within_ms ?? 0);
  }
});
// Before the command starts: a message might come after.
const { KILLCORD_TEST_FIRST: first } = process.env;
if (first === "stop") void supervision.stop();
if (first === "hold") supervision.hold();
process.send?.({ sight: supervision.sight });
const finish = await supervision.start({ file, words, env: process.env });
process.send?.({ finish });
supervision.close();
process.channel?.unref();
