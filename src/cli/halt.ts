/** `killcord halt`: orders a stop, and waits until every client has confirmed it. */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { Option } from "commander";
import {
  type GetHaltResponse,
  type Halt,
  HaltMode,
  HaltService,
  type HaltSession,
  HaltStatus,
  HaltStep,
  ScopeKind,
} from "../../gen/killcord/v1/halt_pb.js";
import { SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import type { AccessOptions } from "./access.js";
import { type Server, withServer } from "./client.js";
import { client_limits } from "./client-limits.js";
import { CommandFailure, wrongUsage } from "./failure.js";
import { HaltProgress } from "./halt-progress.js";
import { haltSessionTable, scopeWords } from "./halt-view.js";
import { note, plain, print, printJson } from "./output.js";
import { restReply } from "./rest-form.js";
import { command, talksToServer } from "./teach.js";
import { isPassing } from "./watch.js";

interface HaltOptions extends AccessOptions {
  readonly session?: string;
  readonly agent?: string;
  readonly label?: string;
  readonly credential?: string;
  readonly all?: true;
  readonly reason?: string;
  readonly pause?: true;
  readonly wait: boolean;
  readonly yes?: true;
}

export function haltCommand() {
  const halt = command("halt", {
    summary: "stop everything on a scope, and wait until it has",
    description:
      "Kills, or holds, every live session of an agent, of a credential, with a label, or all of them; one " +
      "session too. The order stands: nothing new starts there until it is lifted. Shows how far each client " +
      "is, and ends with 1 when not all have confirmed before the server's deadline (10 s if not set).",
    examples: [
      'killcord halt --agent loan-bot --reason "key leaked"',
      'killcord halt --all --yes --reason "runaway fleet"',
      'killcord halt --label nightly --pause --reason "database is down"',
    ],
  })
    .option("--session <session_id>", "one session, with its sub-sessions")
    .option("--agent <agent_id>", "every session of an agent")
    .option("--credential <credential_id>", "every session bound to a credential")
    .option("--label <label>", "every session with a label")
    .option("--all", "every session of the workspace")
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .option("--pause", "hold them instead: each action is blocked until the order is lifted")
    .addOption(new Option("--no-wait", "return when the order is sealed"))
    .option("--yes", "do not ask before --all, which is asked at a terminal only");
  return talksToServer(halt).action(async (options: HaltOptions) => {
    const scope = scopeOf(options);
    await withServer(options, async (server) => {
      if (scope.kind === ScopeKind.WORKSPACE && options.yes !== true) await confirm(server, options);
      await order(server, scope, options);
    });
  });
}

interface ScopeNamed {
  readonly kind: ScopeKind;
  readonly id: string;
}

function scopeOf({ session, agent, credential, label, all }: HaltOptions): ScopeNamed {
  const named = [
    [ScopeKind.SESSION, session],
    [ScopeKind.AGENT, agent],
    [ScopeKind.CREDENTIAL, credential],
    [ScopeKind.LABEL, label],
    [ScopeKind.WORKSPACE, all ? "" : undefined],
  ] as const;
  const [only, ...more] = named.flatMap(([kind, id]) => (id === undefined ? [] : [{ kind, id }]));
  if (only === undefined || more.length > 0) {
    throw wrongUsage("name one scope: --session, --agent, --credential, --label or --all");
  }
  return only;
}

/** Somebody at a terminal is shown what will stop; a script has said so by calling. */
async function confirm(server: Server, { pause, json }: HaltOptions): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY || json === true) return;
  const status = [SessionStatus.ACTIVE, SessionStatus.PAUSED];
  const { total } = await server.sessions.listSessions({ status, pageSize: 1 });
  const does = pause === true ? "holds" : "kills";
  const answer = await answerTo(
    `This ${does} ${total} live ${total === 1n ? "session" : "sessions"} on ${plain(server.url)}, and nothing new starts until it is lifted. Type yes to go on: `,
  );
  if (answer.trim().toLowerCase() !== "yes") throw new CommandFailure("aborted", 1, "nothing was ordered");
}

/** What is typed at the terminal; nothing when the question is left by Ctrl-C or Ctrl-D. */
async function answerTo(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AbortError") throw error;
    process.stderr.write("\n");
    return "";
  } finally {
    terminal.close();
  }
}

async function order(server: Server, scope: ScopeNamed, options: HaltOptions): Promise<void> {
  const { reason, pause, wait, json = false } = options;
  const idempotencyKey = randomUUID();
  const mode = pause === true ? HaltMode.PAUSE : HaltMode.KILL;
  const request = { scope, mode, idempotencyKey, ...(reason === undefined ? {} : { reason }) };
  const { halt } = await persisting(() => server.halts.halt(request), client_limits.halt_order_ms).catch(
    (error: unknown) => {
      throw error instanceof ConnectError && error.code === Code.DeadlineExceeded
        ? new CommandFailure(
            "deadline_exceeded",
            3,
            `${server.url} did not answer in time, and may have taken the order: see killcord halts list`,
          )
        : error;
    },
  );
  if (halt === undefined) {
    throw new CommandFailure("internal", 1, "the server's answer holds no halt: is it another version?");
  }
  if (!json) print(`${plain(halt.haltId)} on ${scopeWords(halt.scope)} is sealed`);
  const progress = json ? null : new HaltProgress();
  const reply = await settled(server, halt.haltId, wait && pause !== true, progress).finally(() =>
    progress?.end(),
  );
  if (json) printJson(restReply(HaltService.method.getHalt, reply));
  else await tell(server, reply, options);
  if (wait && pause !== true && !isConfirmed(reply.halt)) process.exitCode = 1;
}

/** Asks again while the server does not answer, which is safe: a repeat is known as one. */
async function persisting<T>(ask: () => Promise<T>, give_up_ms: number): Promise<T> {
  const began_ms = performance.now();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const is_over = performance.now() - began_ms > give_up_ms;
      if (!(error instanceof ConnectError) || !isPassing(error) || is_over) throw error;
    }
    await sleep(client_limits.halt_poll_ms);
  }
}

/** Asks how far the stop is until nothing of it is open. */
async function settled(
  server: Server,
  haltId: string,
  wait: boolean,
  progress: HaltProgress | null,
): Promise<GetHaltResponse> {
  for (;;) {
    const ask = () => server.halts.getHalt({ haltId, pageSize: limits.page_size_max });
    const reply = await persisting(ask, client_limits.watch_give_up_ms);
    if (reply.halt?.figures !== undefined) progress?.show(reply.halt.figures, reply.halt.mode);
    if (!wait || (reply.halt?.figures?.pending ?? 0n) === 0n) return reply;
    await sleep(client_limits.halt_poll_ms);
  }
}

function isConfirmed(halt: Halt | undefined): boolean {
  const { requested = 0n, confirmed = 0n } = halt?.figures ?? {};
  return confirmed === requested;
}

async function tell(server: Server, reply: GetHaltResponse, { wait, pause }: HaltOptions): Promise<void> {
  const { halt } = reply;
  if (halt?.figures === undefined) return;
  const { requested, unconfirmed } = halt.figures;
  const sessions = `${requested} ${requested === 1n ? "session" : "sessions"}`;
  if (requested === 0n) {
    print("no live session was on it; how far those are that were stopped before: killcord halts list");
  } else if (pause === true) {
    print(`${sessions} held: each action is blocked`);
  } else if (!wait) {
    print(`${sessions} stopped: see who has confirmed with killcord halts get ${plain(halt.haltId)}`);
  } else if (unconfirmed === 0n) {
    print(`${sessions} stopped, all confirmed`);
  } else {
    print(
      `${unconfirmed} of ${sessions} not confirmed: no action of theirs is allowed, but a process may still run`,
    );
    print(haltSessionTable(await unconfirmedOf(server, reply)));
  }
  if (halt.status === HaltStatus.IN_FORCE) {
    note(
      `nothing new starts on ${scopeWords(halt.scope)} until you lift it: killcord lift ${plain(halt.haltId)}`,
    );
  }
}

/** The first of those that nobody has confirmed. */
async function unconfirmedOf(server: Server, first: GetHaltResponse): Promise<readonly HaltSession[]> {
  const found: HaltSession[] = [];
  for (let reply = first; ; ) {
    found.push(...reply.sessions.filter(({ step }) => step === HaltStep.UNCONFIRMED));
    if (reply.nextPageToken === undefined || found.length >= client_limits.halt_sessions_shown) {
      return found.slice(0, client_limits.halt_sessions_shown);
    }
    const haltId = first.halt?.haltId ?? "";
    const pageSize = limits.page_size_max;
    reply = await server.halts.getHalt({ haltId, pageSize, pageToken: reply.nextPageToken });
  }
}
