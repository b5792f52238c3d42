/** The supervisor's side of its guard: started before there is anything to guard, and again if it dies. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bounds } from "./bounds.js";
import type { Patience } from "./ending.js";
import type { Family } from "./family.js";
import { type GuardWord, status_silence } from "./guard-words.js";
import type { Run } from "./run.js";

export interface Guard {
  /** The command has started. */
  guardLeader(pid: number): void;
  /** Tells what the family knows, if that is news. */
  guardKnown(): void;
  /** Promises to be heard again within that time. */
  tellAlive(within_ms: number): void;
  /** Whether such a promise was broken: then the guard has ended the run, or is about to. */
  isBroken(): boolean;
  /** Nothing is left to guard: it goes. */
  dismiss(): void;
}

/**
 * Starts a guard and waits until it listens.
 *
 * @param tell takes a line for people
 * @param onLost called when it ended the run itself, or died and cannot be replaced: the run must not go on
 * @throws when it does not start
 */
export async function startGuard(
  run: Run,
  patience: Patience,
  family: Family,
  tell: (line: string) => void,
  onLost: () => void,
): Promise<Guard> {
  let leader: number | null = null;
  let known_told = "[]";
  let promised_until = Number.POSITIVE_INFINITY;
  let dismissed = false;
  let replaced = 0;
  let guard = await launch(run, patience, family);
  guard.once("exit", replace);

  function replace(status: number | null): void {
    if (dismissed) return;
    if (status === status_silence) {
      onLost();
      return;
    }
    replaced += 1;
    if (replaced > bounds.guard_replacements) {
      lost();
      return;
    }
    launch(run, patience, family).then((next) => {
      guard = next;
      guard.once("exit", replace);
      if (dismissed) return say({ kind: "over" });
      if (leader !== null) say({ kind: "leader", pid: leader });
      known_told = "[]";
      tellKnown();
      tell(
        `the guard of this run was killed: another is in its place (${replaced} of ${bounds.guard_replacements})`,
      );
    }, lost);
  }
  function lost(): void {
    tell("no guard can be kept for this run: ending it");
    onLost();
  }
  function say(word: GuardWord): void {
    guard.stdin?.write(`${JSON.stringify(word)}\n`);
  }
  function tellKnown(): void {
    const known = [...family.known()];
    const text = JSON.stringify(known);
    if (text === known_told) return;
    known_told = text;
    say({ kind: "known", known });
  }
  return {
    guardLeader: (pid) => {
      leader = pid;
      say({ kind: "leader", pid });
    },
    guardKnown: tellKnown,
    tellAlive: (within_ms) => {
      promised_until = performance.now() + within_ms;
      say({ kind: "alive", within_ms });
    },
    isBroken: () => performance.now() > promised_until,
    dismiss: () => {
      dismissed = true;
      say({ kind: "over" });
      guard.stdin?.end();
    },
  };
}

/** Resolves when it has taken its first word. */
async function launch(run: Run, patience: Patience, family: Family): Promise<ChildProcess> {
  const program = fileURLToPath(new URL("./guard-main.js", import.meta.url));
  // A key has no business there, nor what a user has Node load. The marks of runs around this one stay.
  const { KILLCORD_API_KEY: _key, NODE_OPTIONS: _options, ...env } = process.env;
  const guard = spawn(process.execPath, ["--max-semi-space-size=1", program], {
    detached: true,
    cwd: "/",
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  if (guard.pid !== undefined) family.setApart(guard.pid);
  guard.stdin.on("error", () => {});
  const word: GuardWord = { kind: "run", run, patience };
  guard.stdin.write(`${JSON.stringify(word)}\n`);
  await new Promise<void>((resolve, reject) => {
    guard.once("error", reject);
    guard.once("exit", () => reject(new Error("the guard ended as it started")));
    const timer = setTimeout(() => {
      guard.kill("SIGKILL");
      reject(new Error("the guard did not start in time"));
    }, bounds.guard_start_ms);
    createInterface({ input: guard.stdout }).once("line", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  guard.removeAllListeners("exit");
  // It must not keep this process from ending.
  guard.unref();
  for (const pipe of [guard.stdin, guard.stdout]) (pipe as unknown as { unref(): void }).unref();
  return guard;
}
