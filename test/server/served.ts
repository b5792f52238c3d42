/** The real server as users start it: a process of its own, over a data directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const program = resolve("dist/src/main.js");

/** A running `killcord serve`. */
export interface Served {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Of the figures' own port; null without one. */
  readonly metrics_url: string | null;
  readonly data: string;
  readonly admin_key: string;
  readonly process: ChildProcess;
  /** What it wrote to stderr: log lines. */
  log(): string;
  /** Ends it by a signal and answers its exit status. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A fresh folder that is gone when the process that made it is. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "killcord-test-"));
  folders.push(folder);
  return folder;
}

/** Starts it on a free port of 127.0.0.1 and waits until it listens. */
export async function serve(
  more: {
    readonly data?: string;
    readonly env?: Record<string, string>;
    readonly flags?: readonly string[];
  } = {},
): Promise<Served> {
  const data = more.data ?? join(freshFolder(), "data");
  const ready_file = join(freshFolder(), "ready.json");
  const { child, output, exited } = launch(
    ["serve", "--data", data, "--listen", "127.0.0.1:0", "--ready-file", ready_file, ...(more.flags ?? [])],
    more.env,
  );
  while (!existsSync(ready_file) || readFileSync(ready_file, "utf8") === "") {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server ended before it listened:\n${output.stdout}${output.stderr}`);
    }
    await pause(20);
  }
  const { url, metrics_url, admin_key_file } = JSON.parse(readFileSync(ready_file, "utf8"));
  return {
    url,
    address: url.slice("http://".length),
    metrics_url,
    data,
    admin_key: admin_key_file === null ? "" : readFileSync(admin_key_file, "utf8").trim(),
    process: child,
    log: () => output.stderr,
    end: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

/** A command of the real program, run to its end. */
export async function command(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const { output, exited } = launch(words, env);
  const status = await exited;
  return { status, ...output };
}

function launch(words: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const exited = new Promise<number | null>((yes, no) => {
    child.once("close", yes);
    child.once("error", no);
  });
  return { child, output, exited };
}

/** Asks the REST surface: posts `body`, or gets without one; the reply's JSON, whatever its status. */
export async function curl(server: Served, path: string, key: string, body?: object) {
  const reply = await fetch(server.url + path, {
    headers: { "x-api-key": key },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  return JSON.parse(await reply.text());
}
