/**
 * An agent of the demo: it hashes every file of a tree, over and over, and asks Killcord before
 * each. Nothing in it is staged: it stops because it is told to.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Command } from "commander";
import { Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { OnExceeded, type Session, SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { printUsd } from "../core/money.js";
import { connect, type Server } from "./client.js";
import { client_limits } from "./client-limits.js";
import { type Allowance, monotonicMs, type Report, type Stopped, type Task } from "./demo-words.js";
import { isTerminal, stopWord } from "./session-view.js";
import { command } from "./teach.js";
import { follow } from "./watch.js";

/** `killcord demo-agent`, started by the demo with a channel to it. */
export function demoAgentCommand(): Command {
  return command("demo-agent", {
    summary: "an agent of the demo",
    description: "Started by `killcord demo`, and of no use by itself.",
    examples: ["killcord demo"],
  }).action(async () => {
    // Whatever becomes of the demo, its agents do not outlive it.
    const orphaned = () => process.exit(1);
    process.once("disconnect", orphaned);
    const task = await new Promise<Task>((resolve) => process.once("message", resolve));
    try {
      await tell(await run(task));
    } catch (error) {
      await tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
    process.off("disconnect", orphaned);
    process.disconnect();
  });
}

function tell(report: Report): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) throw new Error("demo-agent is started by `killcord demo` only");
    process.send(report, undefined, undefined, () => resolve());
  });
}

async function run(task: Task): Promise<Stopped> {
  const server = connect(task.url, task.api_key);
  const stop = new AbortController();
  try {
    const budgets = task.allowance === null ? {} : budgetsOf(task.allowance);
    const started = await server.sessions.startSession({ agentId: task.agent_id, label: "demo", budgets });
    const session_id = started.session?.sessionId ?? "";
    const hold = new Hold(task.allowance);
    const told = watch(server, session_id, stop, hold);
    // Awaited below; a failure before that must not end the process.
    told.catch(() => stop.abort());
    stop.signal.addEventListener("abort", () => hold.end());
    await tell({ kind: "started", session_id });
    const work = await hashUntilStopped(server, session_id, task, stop.signal, hold);
    const { session, at_ms } = await told;
    const again = await server.enforcement.intercept({ actionType: "file.hash", sessionId: session_id });
    return {
      kind: "stopped",
      actions: work.actions,
      bytes: work.bytes,
      stop_reason: stopWord(session.stopReason),
      kill_reason: session.killReason ?? "",
      stream_at_ms: at_ms,
      verdict_at_ms: work.refusal?.at_ms ?? null,
      verdict_round_trip_ms: work.refusal?.round_trip_ms ?? null,
      asked_again: (Verdict[again.decision] ?? "unknown").toLowerCase(),
    };
  } finally {
    stop.abort();
    server.release();
  }
}

function budgetsOf({ unit, limit, on_exceeded }: Allowance) {
  const onExceeded = on_exceeded === "pause" ? OnExceeded.PAUSE : OnExceeded.TERMINATE;
  return unit === "cost"
    ? { maxCostUsd: printUsd(limit), onExceeded }
    : { maxTokens: BigInt(limit), onExceeded };
}

/** What one action takes, as the agent says it. */
function costOf({ unit, each }: Allowance) {
  return { cost: unit === "cost" ? { costUsd: printUsd(each) } : { tokens: BigInt(each) } };
}

/** Waits, when the session is held by its budget, until the stream tells that it goes on with a higher limit. */
class Hold {
  #limit: number;
  #goes_on = false;
  #wake: () => void = () => undefined;

  constructor(allowance: Allowance | null) {
    this.#limit = allowance?.limit ?? 0;
  }

  told({ status, budgets }: Session): void {
    const limit = Number(budgets?.maxTokens ?? 0n);
    if (status !== SessionStatus.ACTIVE || limit <= this.#limit) return;
    void tell({ kind: "resumed", at_ms: monotonicMs() });
    this.#limit = limit;
    this.end();
  }

  async over(): Promise<void> {
    if (!this.#goes_on) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#goes_on = false;
  }

  end(): void {
    this.#goes_on = true;
    this.#wake();
  }
}

/** Resolves when the stream tells the stop, and aborts whatever the agent is doing. */
async function watch(
  server: Server,
  session_id: string,
  stop: AbortController,
  hold: Hold,
): Promise<{ session: Session; at_ms: number }> {
  for await (const { update } of follow(server, session_id, { signal: stop.signal })) {
    if (update.case !== "session") continue;
    hold.told(update.value);
    if (!isTerminal(update.value.status)) continue;
    const at_ms = monotonicMs();
    stop.abort();
    return { session: update.value, at_ms };
  }
  throw new Error("the watch ended before the session stopped");
}

interface Work {
  actions: number;
  bytes: number;
  refusal: { at_ms: number; round_trip_ms: number } | null;
}

async function hashUntilStopped(
  server: Server,
  session_id: string,
  { folder, allowance }: Task,
  signal: AbortSignal,
  hold: Hold,
): Promise<Work> {
  const work: Work = { actions: 0, bytes: 0, refusal: null };
  let shown_ms = monotonicMs();
  for await (const file of filesOverAndOver(folder)) {
    const asked_ms = monotonicMs();
    // Not broken off by the stop: the answer is under way, and it is part of the account.
    const answer = await server.enforcement.intercept({
      actionType: "file.hash",
      actionContent: relative(folder, file),
      sessionId: session_id,
      ...(allowance === null ? {} : costOf(allowance)),
    });
    if (answer.decision === Verdict.TERMINATE) {
      const at_ms = monotonicMs();
      work.refusal = { at_ms, round_trip_ms: at_ms - asked_ms };
      break;
    }
    if (answer.sessionStatus === SessionStatus.PAUSED) {
      await tell({ kind: "held", actions: work.actions, reason: answer.reasoning });
      await hold.over();
      continue;
    }
    work.actions += 1;
    // The stream may be ahead of an allow that was given before the stop.
    if (signal.aborted) break;
    work.bytes += await hash(file, signal);
    if (asked_ms - shown_ms < 100) continue;
    shown_ms = asked_ms;
    await tell({ kind: "progress", actions: work.actions, bytes: work.bytes });
  }
  return work;
}

/** SHA-256 of a file, broken off by the stop; gives the number of bytes read. */
async function hash(file: string, signal: AbortSignal): Promise<number> {
  const digest = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file, { signal })) {
      digest.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    // Stopped in the middle, or a file that is gone or may not be read: not the demo's concern.
    if (!signal.aborted && !(error instanceof Error && "syscall" in error)) throw error;
  }
  digest.digest();
  return bytes;
}

async function* filesOverAndOver(folder: string): AsyncGenerator<string> {
  for (;;) {
    let found = false;
    for await (const file of filesUnder(folder)) {
      found = true;
      yield file;
    }
    if (!found) throw new Error(`there is no file to hash under ${folder}`);
  }
}

async function* filesUnder(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    // Links are left alone: they may lead outside, or in circles.
    if (entry.isDirectory()) yield* filesUnder(path);
    else if (entry.isFile() && (await stat(path)).size <= client_limits.demo_file_bytes) yield path;
  }
}
