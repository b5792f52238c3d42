/** The processes of the demo: a server and agents, each ended by its own pid. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../limits.js";
import { client_limits } from "./client-limits.js";
import type { Report, Task } from "./demo-words.js";
import { CommandFailure } from "./failure.js";

/** A server that listens. */
export interface DemoServer {
  readonly process: ChildProcess;
  readonly url: string;
  readonly admin_key: string;
}

/**
 * Starts a real server with its data under `folder`, on a free port, and waits until it listens.
 * It is in `started` before anything can fail, so that the caller can end it.
 */
export async function startServer(
  folder: string,
  started: ChildProcess[],
  signal: AbortSignal,
): Promise<DemoServer> {
  const ready_file = join(folder, "ready.json");
  const log_file = join(folder, "server.log");
  const log = openSync(log_file, "a");
  const words = [
    "serve",
    "--data",
    join(folder, "data"),
    "--listen",
    "127.0.0.1:0",
    "--ready-file",
    ready_file,
  ];
  const server = spawn(process.execPath, [program(), ...words], {
    env: environment(),
    stdio: ["ignore", log, log],
  });
  started.push(server);
  closeSync(log);
  const until_ms = performance.now() + client_limits.demo_start_ms;
  while (performance.now() < until_ms && !hasEnded(server)) {
    signal.throwIfAborted();
    const ready = await readReady(ready_file);
    if (ready !== null) {
      const admin_key = (await readFile(ready.admin_key_file, "utf8")).trim();
      return { process: server, url: ready.url, admin_key };
    }
    await sleep(20);
  }
  const last = (await readFile(log_file, "utf8")).trim().split("\n").slice(-3).join("\n");
  const what = hasEnded(server)
    ? "ended at once"
    : `did not listen within ${client_limits.demo_start_ms / 1000} s`;
  throw new CommandFailure("internal", 1, `the demo's server ${what}: ${last}`);
}

/** What `killcord serve --ready-file` writes; null while it is not there, or not whole. */
async function readReady(file: string): Promise<{ url: string; admin_key_file: string } | null> {
  try {
    const ready: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof ready !== "object" || ready === null) return null;
    if (!("url" in ready) || typeof ready.url !== "string") return null;
    if (!("admin_key_file" in ready) || typeof ready.admin_key_file !== "string") return null;
    return { url: ready.url, admin_key_file: ready.admin_key_file };
  } catch {
    return null;
  }
}

/** Starts an agent's process. It waits for its task. */
export function forkAgent(started: ChildProcess[]): ChildProcess {
  const agent = fork(program(), ["demo-agent"], {
    env: environment(),
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  started.push(agent);
  return agent;
}

/** Gives an agent its task, and hears it until its last word. */
export function instruct(agent: ChildProcess, task: Task, hear: (report: Report) => void): void {
  let last = false;
  const ended = () => {
    if (last) return;
    hear({
      kind: "failed",
      message: `its process ended (${agent.signalCode ?? `status ${agent.exitCode}`})`,
    });
  };
  agent.on("message", (report: Report) => {
    last = report.kind === "stopped" || report.kind === "failed";
    hear(report);
  });
  agent.once("error", (error) => hear({ kind: "failed", message: error.message }));
  agent.once("exit", ended);
  if (hasEnded(agent)) ended();
  else agent.send(task);
}

/** Runs another killcord command to its end. */
export async function runCommand(
  words: readonly string[],
  started: ChildProcess[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program(), ...words], {
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", reject);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, stdout, stderr };
}

/** Asks a process to end, and ends it if it has not within limits.drain_ms. Gives its exit status. */
export async function endProcess(child: ChildProcess): Promise<number | null> {
  if (hasEnded(child)) return child.exitCode;
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), limits.drain_ms);
  await exit;
  clearTimeout(timer);
  return child.exitCode;
}

function hasEnded(child: ChildProcess): boolean {
  // Without a pid it never began.
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** This very program. */
function program(): string {
  return process.argv[1] ?? "";
}

/** The user's settings are for the user's server. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KILLCORD_")));
}
