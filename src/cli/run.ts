/** `killcord run`: any program as it is, under a session of its own, and ended with it. */

import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type Client,
  createClient,
  KillcordError,
  type StartOptions,
} from "../../sdk/typescript/src/node.js";
import { bounds } from "../supervisor/bounds.js";
import { ownCgroup } from "../supervisor/cgroup.js";
import { openSupervision } from "../supervisor/supervise.js";
import { type AccessOptions, accessOptions, default_url, findKey, serverUrl } from "./access.js";
import { CommandFailure, systemReason } from "./failure.js";
import { usd, wholeNumber } from "./numbers.js";
import { note, plain } from "./output.js";
import { runUnder, startFailure } from "./run-session.js";
import { status_failed, status_lease_lost, status_stopped } from "./run-status.js";
import { command } from "./teach.js";
import { parseDuration } from "./time.js";

const after_help = `
Exit status: the program's own, 128 and its number for a signal that ended it; ${status_stopped} it was stopped;
${status_lease_lost} its lease ended without the server; ${status_failed} it could not be ended, or not be guarded any more;
126 it cannot be run, 127 it is not there; 2 wrong usage, 3 no session could be opened.`;

/** `killcord run`. */
export function runCommand(): Command {
  const made = command("run", {
    summary: "run any program under a session, and end it with the session",
    description:
      "Opens a session, starts the program, and ends every process of it when the session is stopped, when " +
      "its lease is over, or when this program is killed. The program needs no change. It finds the session's id " +
      "in KILLCORD_SESSION_ID; its input, output, terminal, signals and exit status pass through.",
    examples: [
      "killcord run --agent loan-bot --ttl 1h -- python agent.py",
      "killcord run --label nightly -- sh -c 'fetch | analyse'",
    ],
  })
    .argument("<command...>", "the program and its arguments, after --")
    .option("--agent <agent_id>", "whose run it is; a credential brings its own")
    .option("--label <text>", "a display string; sealed for ever, so no personal data")
    .option("--max-actions <n>", "actions that may be asked for", (text) => Number(wholeNumber(text)))
    .option("--max-tokens <n>", "tokens that its actions may cost", (text) => Number(wholeNumber(text)))
    .option("--max-cost-usd <usd>", "money that its actions may cost, e.g. 7.50", usd)
    .addOption(
      new Option(
        "--on-exceeded <what>",
        "what happens when one of these has no room: the run ends, or is held until the limit is raised",
      )
        .choices(["terminate", "pause"])
        .default("terminate"),
    )
    .option("--ttl <time>", "how long it may take, e.g. 90s, 15m, 12h", seconds)
    .option("--idle-timeout <time>", "how long no action may be asked for; without any limit 1d", seconds)
    .addOption(
      new Option("--lease <time>", "how long it may go on without the server, 2s to 5m")
        .default(30, "30s")
        .argParser(leaseTime),
    )
    .addOption(
      new Option("--on-lease-lost <what>", "what happens then")
        .choices(["kill", "pause", "continue"])
        .default("kill"),
    )
    .addOption(
      new Option("--grace <time>", "between SIGTERM and SIGKILL").default(5, "5s").argParser(seconds),
    )
    .option("--fail-open", "start the program even if no server answers; nothing can stop it until one does")
    .option("--no-cgroup", "make no control group, even where that is allowed");
  // All that is printed is the program's.
  for (const option of accessOptions().filter(({ long }) => long !== "--json")) made.addOption(option);
  return made.addHelpText("after", after_help).action(runProgram);
}

interface RunOptions extends AccessOptions {
  readonly agent?: string;
  readonly label?: string;
  readonly maxActions?: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: string;
  readonly onExceeded: "terminate" | "pause";
  readonly ttl?: number;
  readonly idleTimeout?: number;
  readonly lease: number;
  readonly onLeaseLost: "kill" | "pause" | "continue";
  readonly grace: number;
  readonly failOpen?: true;
  readonly cgroup: boolean;
}

async function runProgram([file = "", ...words]: readonly string[], options: RunOptions): Promise<void> {
  // Whoever read our lines may be gone, a terminal too: the run goes on, and is ended in good order.
  process.stderr.on("error", () => {});
  const url = serverUrl(options.url || default_url);
  const address = url.href.replace(/\/$/, "");
  const key = findKey(options, url);
  const client = openClient(address, key);
  let wake = () => {};
  const supervision = await openSupervision({
    proc: "/proc",
    own_cgroup: options.cgroup ? ownCgroup("/proc") : null,
    grace_ms: options.grace * 1000,
    kill_ms: bounds.kill_ms,
    tell: note,
    onWake: () => wake(),
  }).catch((error) => {
    throw new CommandFailure("internal", 1, `the program was not started: ${systemReason(error)}`);
  });
  let status: number;
  try {
    status = await runUnder({
      client,
      supervision,
      command: { file, words, env: { ...process.env, KILLCORD_URL: address } },
      start: startOptions(options),
      fail_open: options.failOpen === true,
      wakeBy: (check) => {
        wake = check;
      },
    });
  } finally {
    supervision.close();
  }
  // The program is over, and so are we: a try to open a session may still be under way.
  process.exit(status);
}

/** Warnings of the client are said as all others: each once, with no power over the terminal. */
function openClient(url: string, key: string | null): Client {
  try {
    return createClient({ url, ...(key === null ? {} : { apiKey: key }), warn: (line) => note(plain(line)) });
  } catch (error) {
    throw error instanceof KillcordError ? startFailure(error) : error;
  }
}

function startOptions(options: RunOptions): StartOptions {
  const {
    agent,
    label,
    maxActions,
    maxTokens,
    maxCostUsd,
    onExceeded,
    ttl,
    idleTimeout,
    lease,
    onLeaseLost,
  } = options;
  return {
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(label === undefined ? {} : { label }),
    budgets: {
      ...(maxActions === undefined ? {} : { maxActions }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
      ...(onExceeded === "terminate" ? {} : { onExceeded }),
      ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
      ...(idleTimeout === undefined ? {} : { idleTimeoutSeconds: idleTimeout }),
    },
    leaseSeconds: lease,
    onLeaseLost,
    // The client tells by itself what is late: it need not before we do.
    graceSeconds: options.grace + bounds.kill_ms / 1000,
    supervisor: true,
  };
}

function seconds(text: string): number {
  return Number(parseDuration(text));
}

function leaseTime(text: string): number {
  const lease = seconds(text);
  if (lease < 2 || lease > 300) throw new InvalidArgumentError("Expected 2s to 5m.");
  return lease;
}
