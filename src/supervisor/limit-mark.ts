/**
 * A mark that is handed on whatever a process does to its environment, its session and its open
 * files: the limit of file locks, a number that Linux keeps for every process, hands to all that it
 * starts and has not used since 2.4.25 (getrlimit(2), RLIMIT_LOCKS). Anybody may read it, also of
 * programs that run as another user.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Marks this process, and so all that it starts from now on, by prlimit(1).
 *
 * @returns the mark; null where there is no such program or the limit may not be set
 */
export function markOwnLimit(): number | null {
  const mark = randomInt(2 ** 40, 2 ** 41);
  const words = ["--pid", String(process.pid), `--locks=${mark}:`];
  const { status } = spawnSync("prlimit", words, { stdio: "ignore" });
  return status === 0 ? mark : null;
}

/** Whether a process bears the mark. */
export function bearsLimit(proc: string, pid: number, mark: number): boolean {
  try {
    const limits = readFileSync(join(proc, String(pid), "limits"), "latin1");
    return new RegExp(`^Max file locks +${mark} `, "m").test(limits);
  } catch {
    return false;
  }
}
