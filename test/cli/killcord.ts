/** Runs `killcord` as users do: a process with its arguments, its environment and its folder. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";

/** How it ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = resolve("dist/src/main.js");

/** Runs it to its end. Of the environment only what is given, and what a process needs. */
export async function killcord(
  words: readonly string[],
  more: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    /** Another program than the real one. */
    readonly program?: string;
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [more.program ?? program, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...more.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(more.cwd === undefined ? {} : { cwd: more.cwd }),
  });
  const exit = new Promise<number | null>((yes, no) => {
    child.once("exit", yes);
    child.once("error", no);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, stdout, stderr };
}
