/** A supervision that a test leads, and what became of the processes under it. */
import { type ChildProcess, fork } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeCgroup, ownCgroup, removeCgroup } from "../../src/supervisor/cgroup.js";
import { isAlive, readProcess, readProcesses } from "../../src/supervisor/processes.js";
import type { Finish } from "../../src/supervisor/supervise.js";

export type Sight = "cgroup" | "proc" | "group";

/** Whether this machine lets us make a control group: most containers do not. */
export const makes_cgroups = ((): boolean => {
  const own = ownCgroup("/proc");
  const made = own === null ? null : makeCgroup(own, `killcord-test-${process.pid}`);
  if (made !== null) removeCgroup(made);
  return made !== null;
})();

export interface Led {
  readonly process: ChildProcess;
  readonly sight: string;
  /** Resolves when the run is over; rejects when the supervisor ends without a word of it. */
  readonly finish: Promise<Finish>;
  tell(message: { readonly do: string; readonly within_ms?: number }): void;
  /** What it and its command wrote. */
  stdout(): string;
  stderr(): string;
  /** The numbers that the command wrote to its folder, one file each, when there are so many. */
  pids(count: number): Promise<readonly number[]>;
  readonly folder: string;
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const led_processes: ChildProcess[] = [];

/** Ends what a test that failed has left: their guards do the rest. */
export function endLed(): void {
  for (const child of led_processes.splice(0)) child.kill("SIGKILL");
}

/** A folder that anybody may write to, and that is gone with this process. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "killcord-run-"));
  chmodSync(folder, 0o777);
  folders.push(folder);
  return folder;
}

/** Starts a supervision over a shell script, which finds a folder of its own in $FOLDER. */
export async function lead(
  sight: Sight,
  command: readonly string[],
  more: { readonly grace_ms?: number; readonly env?: NodeJS.ProcessEnv; readonly uid?: number } = {},
): Promise<Led> {
  const folder = freshFolder();
  const child = fork(
    resolve("dist/test/supervisor/supervised.js"),
    [sight, String(more.grace_ms ?? 200), ...command],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      ...(more.uid === undefined ? {} : { uid: more.uid, gid: more.uid }),
      env: { ...process.env, FOLDER: folder, ...more.env },
    },
  );
  led_processes.push(child);
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const said: Record<string, unknown>[] = [];
  child.on("message", (message: Record<string, unknown>) => said.push(message));
  while (said.length === 0) {
    if (child.exitCode !== null) throw new Error(`the supervision did not begin: ${output.stderr}`);
    await pause(10);
  }
  const finish = (async () => {
    while (said.length < 2) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error("the supervisor ended");
      await pause(10);
    }
    return said[1]?.finish as Finish;
  })();
  finish.catch(() => {});
  return {
    process: child,
    sight: said[0]?.sight as string,
    finish,
    tell: (message) => void child.send(message),
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    pids: async (count) => await numbersIn(join(folder, "pids"), count),
    folder,
  };
}

/** Lines of a file, when there are so many of them. */
async function numbersIn(file: string, count: number): Promise<readonly number[]> {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const lines = text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .slice(0, -1);
    if (lines.length >= count) return lines.map(Number);
    await pause(10);
  }
}

/** Whether any of them does anything still. */
export function anyAlive(pids: readonly number[]): boolean {
  return pids.some((pid) => {
    const process = readProcess("/proc", pid);
    return process !== null && isAlive(process);
  });
}

/** Waits until all of them have ended. */
export async function allGone(pids: readonly number[]): Promise<void> {
  while (anyAlive(pids)) await pause(10);
}

/** The guard of a supervision: its one other child. */
export function guardOf(led: Led, command: number): number {
  const found = (readProcesses("/proc") ?? []).find(
    ({ pid, parent, ...each }) =>
      parent === led.process.pid && pid !== command && isAlive({ pid, parent, ...each }),
  );
  if (found === undefined) throw new Error("no guard is to be seen");
  return found.pid;
}

/** Whether a process is stopped by a signal, or frozen with its control group. */
export function isHeld(pid: number): boolean {
  if (readProcess("/proc", pid)?.state === "T") return true;
  const own = ownCgroup("/proc");
  if (own === null) return false;
  try {
    const path = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
    return /^frozen 1$/m.test(readFileSync(join(own, path.split("/").at(-1) ?? "", "cgroup.events"), "utf8"));
  } catch {
    return false;
  }
}
