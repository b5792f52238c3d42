/**
 * `killcord demo`: the main job, for real. A server, three agents in processes of their own that
 * would never stop by themselves, three ways to stop them, and the evidence of it verified.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import { connect } from "./client.js";
import { client_limits } from "./client-limits.js";
import { differs } from "./demo-actor.js";
import { prove, type Verdict } from "./demo-evidence.js";
import { cast, check, type Held, type Played, play, type Stop } from "./demo-play.js";
import { endProcess, forkAgent, startServer } from "./demo-processes.js";
import { openView, type Standing } from "./demo-view.js";
import { prepareFolder } from "./export-files.js";
import { CommandFailure, fromCall } from "./failure.js";
import { colour, plain, print, printJson } from "./output.js";
import { table } from "./table.js";
import { command } from "./teach.js";

interface DemoOptions {
  readonly keep?: string;
  readonly json?: true;
}

/** `killcord demo`. */
export function demoCommand(): Command {
  return command("demo", {
    summary: "see three runaway agents being stopped, and the proof of it",
    description:
      "Starts a server of its own and three agents that hash files and ask before each. One spends its money, " +
      "one is held at its token budget, goes on when that is raised and is killed by hand, one loses its " +
      "credential. Shows how long each stop took as the agent " +
      "saw it, exports the sealed evidence and verifies it. Takes some seconds and leaves nothing behind.",
    examples: ["killcord demo", "killcord demo --keep evidence"],
  })
    .option("--keep <folder>", "keep the evidence in this folder, empty or new")
    .option("--json", "print JSON, also for errors")
    .action(async (options: DemoOptions) => {
      if (options.keep !== undefined) await prepareFolder(options.keep, false);
      const scratch = await mkdtemp(join(tmpdir(), "killcord-demo-"));
      const started: ChildProcess[] = [];
      const deadline = watchTheClock();
      try {
        await perform(options, scratch, started, deadline.signal);
      } finally {
        // Agents before the server, which came first.
        for (const child of started.reverse()) await endProcess(child);
        await rm(scratch, { recursive: true, force: true });
        // Last: until here an interrupt must not cut the clearing up short.
        deadline.close();
      }
    });
}

async function perform(
  options: DemoOptions,
  scratch: string,
  started: ChildProcess[],
  signal: AbortSignal,
): Promise<void> {
  const folder = workFolder();
  const say = options.json ? () => undefined : print;
  say(`Three agents hash the files under ${folder}, over and over.`);
  say("Each asks Killcord before each file. spending-agent pays $0.01 a file and may spend $1.00;");
  say("held-agent takes 10 tokens a file, of 1000, and is held there; nothing bounds leaked-agent.\n");
  const standings = cast.map(newStanding);
  const view = openView(standings, options.json === true);
  try {
    // All at once: the agents wait for their tasks.
    const starting = startServer(scratch, started, signal);
    const agents = cast.map(() => forkAgent(started));
    const { url, admin_key, process } = await starting;
    view.event(`a server of the demo's own listens on ${url}`);
    const server = connect(url, admin_key);
    const played = await told(url, play({ server, folder, agents, standings, view, signal }));
    const { stops } = played;
    view.close();
    check(played);
    say(`\n${stopTable(stops)}\n`);
    say(heldLine(played.held));
    say("Latencies are as the agent saw them: budget, its last question to the answer; kill and revocation,");
    say("the call being sent to the word on the agent's stream. Each agent asked once more: terminate.\n");
    const evidence = options.keep ?? join(scratch, "evidence");
    await prepareFolder(evidence, false);
    const verdict = await told(url, prove(server, evidence, stops, started));
    server.release();
    const status = await endProcess(process);
    if (status !== 0) throw differs(`the server ended with status ${status}`);
    report(options, played, verdict);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    view.close();
  }
}

/** Errors of calls as what the user can understand. */
async function told<T>(url: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof ConnectError ? fromCall(error, url) : error;
  }
}

function newStanding({ agent_id, allowance }: (typeof cast)[number]): Standing {
  return { agent_id, allowance, state: "waiting", actions: 0, bytes: 0 };
}

function heldLine({ agent_id, raised_from, latency_ms }: Held): string {
  const after = `${latency_ms.toFixed(1)} ms after an operator raised that`;
  return `${agent_id} was held at ${raised_from} tokens, and went on ${after}.`;
}

/** Real files that every installation has: the package's dependencies, or its own code. */
function workFolder(): string {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const modules = join(root, "node_modules");
  return existsSync(modules) ? modules : join(root, "dist");
}

function stopTable(stops: readonly Stop[]): string {
  return table(
    [
      { heading: "AGENT" },
      { heading: "STOPPED BY" },
      { heading: "REASON" },
      { heading: "ACTIONS", align: "right" },
      { heading: "LATENCY", align: "right" },
    ],
    stops.map((stop) => [
      stop.agent_id,
      stop.stopped_by,
      plain(stop.stop_reason),
      String(stop.actions),
      `${stop.latency_ms.toFixed(1)} ms`,
    ]),
  );
}

function report(options: DemoOptions, { stops, held }: Played, verdict: Verdict): void {
  if (options.json) {
    const evidence = options.keep === undefined ? {} : { evidence: resolve(options.keep) };
    printJson({ ok: true, stops, held, verified: verdict, ...evidence });
    return;
  }
  const count = Object.keys(verdict.sessions).length;
  const what = `${verdict.entries} entries and ${count} sessions, sealed, chained and signed`;
  print(`${colour("green", "verified")}: ${what}`);
  if (options.keep === undefined) print("The evidence is removed now; --keep FOLDER keeps it.");
  else print(`The evidence is in ${options.keep}: check it again with \`killcord verify ${options.keep}\``);
}

/** Aborts when the demo takes too long, or when the user has seen enough. */
function watchTheClock(): { signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  const late = new CommandFailure(
    "deadline_exceeded",
    1,
    `the demo took longer than ${client_limits.demo_ms / 1000} s: is this machine very busy?`,
  );
  const timer = setTimeout(() => controller.abort(late), client_limits.demo_ms);
  const interrupted = () => controller.abort(new CommandFailure("canceled", 1, "the demo was interrupted"));
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupted);
  return {
    signal: controller.signal,
    close: () => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, interrupted);
    },
  };
}
