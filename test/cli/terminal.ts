/** Commands at a terminal of their own, with somebody who types. Needs Python, which can make one. */
import { execFileSync, spawn } from "node:child_process";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Served } from "../server/served.js";

/** Skips a test where there is no Python: said aloud by the test runner, and counted. */
export function needsPython(test: Mocha.Context): void {
  try {
    execFileSync("python3", ["--version"]);
  } catch {
    test.skip();
  }
}

/** What a terminal shows of `command`, where `steps` are [what is waited for, what is typed]. */
export async function typed(
  server: Served,
  steps: readonly (readonly [string, string])[],
  command: readonly string[],
): Promise<{ readonly shown: string; readonly status: number | null }> {
  const child = spawn("python3", [resolve("test/cli/terminal.py"), JSON.stringify(steps), ...command], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      KILLCORD_URL: server.url,
      KILLCORD_API_KEY: server.admin_key,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((yes) => child.once("close", yes));
  return { shown: (await text(child.stdout)).replaceAll("\r\n", "\n"), status: await ended };
}
