/**
 * Runs `killcord`: as users do, in a process with its arguments, its environment and its folder; or
 * in this process, which takes a hundredth of the time and is the same but for how a process ends.
 */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { run } from "../../src/cli/exit.js";
import { buildProgram } from "../../src/cli/program.js";
import { serveCommand } from "../../src/cli/serve.js";
import { verifyCommand } from "../../src/cli/verify.js";

/** How it ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = resolve("dist/src/main.js");

/** How to run it. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another program than the real one; for processes only. */
  readonly program?: string;
}

/** Starts it. Of the environment only what is given, and what a process needs. */
export function launch(words: readonly string[], more: Surroundings = {}) {
  return spawn(process.execPath, [more.program ?? program, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...more.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(more.cwd === undefined ? {} : { cwd: more.cwd }),
  });
}

/** Runs it to its end. */
export async function killcord(words: readonly string[], more: Surroundings = {}): Promise<Ended> {
  const child = launch(words, more);
  const exit = new Promise<number | null>((yes, no) => {
    child.once("exit", yes);
    child.once("error", no);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, stdout, stderr };
}

let last: Promise<unknown> = Promise.resolve();

/** Runs it to its end in this process, one command at a time. */
export function invoke(words: readonly string[], more: Surroundings = {}): Promise<Ended> {
  const mine = last.then(() => inside(words, more));
  last = mine.catch(() => undefined);
  return mine;
}

async function inside(words: readonly string[], more: Surroundings): Promise<Ended> {
  const { env, exitCode } = process;
  const folder = process.cwd();
  const { stdout, stderr } = process;
  const [writeOut, writeErr] = [stdout.write, stderr.write];
  const out: string[] = [];
  const err: string[] = [];
  try {
    process.env = { PATH: env.PATH, HOME: env.HOME, NO_COLOR: "1", ...more.env };
    if (more.cwd !== undefined) process.chdir(more.cwd);
    process.exitCode = undefined;
    stdout.write = (piece: string | Uint8Array) => out.push(String(piece)) > 0;
    stderr.write = (piece: string | Uint8Array) => err.push(String(piece)) > 0;
    await run(buildProgram({ serve: serveCommand(), verify: verifyCommand() }), [
      "node",
      "killcord",
      ...words,
    ]);
    return { status: Number(process.exitCode ?? 0), stdout: out.join(""), stderr: err.join("") };
  } finally {
    stdout.write = writeOut;
    stderr.write = writeErr;
    process.env = env;
    process.chdir(folder);
    process.exitCode = exitCode;
  }
}
