/**
 * The guard of one run, a process of its own: it ends the run's processes when its supervisor dies
 * or falls silent. It has a session of its own, so that no terminal reaches it, and minds no signal
 * but the one that cannot be minded.
 */
import { createInterface } from "node:readline";
import { removeCgroup } from "./cgroup.js";
import { endAll, type Patience } from "./ending.js";
import { type Family, openFamily } from "./family.js";
import { type GuardWord, status_silence } from "./guard-words.js";

for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGTSTP"] as const) {
  process.on(signal, () => {});
}
process.title = "killcord guard";

let family: Family | null = null;
let cgroup: string | null = null;
let patience: Patience = { grace_ms: 0, kill_ms: 0 };
let silence: NodeJS.Timeout | undefined;
let ending = false;

// The supervisor's end of the pipe closes with it, however it dies.
const words = createInterface({ input: process.stdin });
words.on("line", (line) => {
  hear(JSON.parse(line));
  process.stdout.write("ok\n");
});
words.on("close", () => end(0));
process.stdin.on("error", () => end(0));
process.stdout.on("error", () => {});

function hear(word: GuardWord): void {
  switch (word.kind) {
    case "run":
      patience = word.patience;
      cgroup = word.run.cgroup;
      family = openFamily({ ...word.run, supervisor: -1 });
      family.setApart(word.run.supervisor);
      return;
    case "leader":
      family?.begin(word.pid);
      return;
    case "known":
      family?.remember(word.known);
      return;
    case "alive":
      clearTimeout(silence);
      silence = setTimeout(() => end(status_silence), word.within_ms);
      return;
    case "over":
      process.exit(0);
  }
}

function end(status: number): void {
  if (ending) return;
  ending = true;
  clearTimeout(silence);
  const over = () => {
    if (cgroup !== null) removeCgroup(cgroup);
    process.exit(status);
  };
  if (family === null) over();
  else endAll(family, patience).then(over, over);
}
