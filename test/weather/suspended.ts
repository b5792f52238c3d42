/** Processes that are stopped by a signal, as a laptop's lid or a debugger stops them. */
import { execFileSync } from "node:child_process";

/** Stops a process and resolves when it is stopped. */
export async function suspend(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  while (!/^T/.test(execFileSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).trim())) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function resume(pid: number): void {
  process.kill(pid, "SIGCONT");
}

/** Lets time pass, for what is defined by it: a lease that is over. Never to give something a chance. */
export function pass(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms));
}
