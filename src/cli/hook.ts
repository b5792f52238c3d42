/** `killcord hook`: asks before each tool call of a coding agent, as a command of its hooks. */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import { SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { type AccessOptions, accessOptions } from "./access.js";
import { type Server, withServer } from "./client.js";
import { CommandFailure, systemReason } from "./failure.js";
import { closeSession, knownSession, type Persist, type SessionOptions, sessionFor } from "./hook-session.js";
import {
  actionType,
  answerTo,
  decided,
  type HookAnswer,
  type HookEvent,
  isTooLong,
  overWords,
  readEvent,
  stopping,
} from "./hook-words.js";
import { wholeNumber } from "./numbers.js";
import { note, plain, printJson } from "./output.js";
import { command } from "./teach.js";
import { parseDuration } from "./time.js";

/** All tries of one call together: far below what agents give a hook, as one that is cut off permits. */
const call_ms = 5_000;
/** An event with its tool's input. */
const event_bytes = 16 * 1024 * 1024;

interface HookOptions extends AccessOptions, SessionOptions {
  readonly failOpen?: true;
  readonly approve?: true;
}

/** `killcord hook`. */
export function hookCommand(): Command {
  const made = command("hook", {
    summary: "ask before each tool call of a coding agent",
    description:
      "A command for the hooks of Claude Code and agents that took them over: it reads an event as JSON on " +
      "stdin and answers on stdout. PreToolUse is asked for and may be denied; a stop ends the agent's run. " +
      "Without an answer of the server the tool call is denied.",
    examples: ["killcord hook --agent coder --max-actions 500"],
  })
    .option("--agent <agent_id>", "whose run it is; a credential brings its own")
    .option("--label <text>", "a display string; sealed for ever, so no personal data")
    .option("--max-actions <n>", "tool calls that may be made in one session of the agent", wholeNumber)
    .option("--ttl <time>", "how long such a session may take, e.g. 8h", parseDuration)
    .option("--idle-timeout <time>", "how long no tool may be called; without any limit 1d", parseDuration)
    .option("--approve", "let an allowed call pass without the questions of the agent's own settings")
    .option("--fail-open", "let calls pass while no server answers");
  for (const option of accessOptions().filter(({ long }) => long !== "--json")) made.addOption(option);
  return made.action(hook);
}

/** However it fails, it must not end with 1: that status lets a tool call pass, 2 holds it up. */
async function hook(options: HookOptions): Promise<void> {
  try {
    const event = readEvent(await readInput());
    printJson(await answer(event, options));
  } catch (error) {
    note(plain(`the tool call is held up: ${systemReason(error)}`));
    process.exitCode = 2;
  }
}

async function answer(event: HookEvent, options: HookOptions): Promise<HookAnswer> {
  let said: HookAnswer = {};
  try {
    await withServer({ ...options, json: true }, async (server) => {
      said = await ask(event, server, options);
    });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return withoutVerdict(event, error, options);
  }
  return said;
}

async function ask(event: HookEvent, server: Server, options: HookOptions): Promise<HookAnswer> {
  switch (event.name) {
    case "PreToolUse":
      return await askForTool(event, server, options);
    case "SessionEnd": {
      const session_id = knownSession(event.coding_session, server.url);
      if (session_id === null) return {};
      const { session } = await persist((call) =>
        server.sessions.endSession({ sessionId: session_id }, call),
      );
      // What was killed stays so, whenever the agent comes back to it.
      if (session?.status === SessionStatus.ENDED) await closeSession(event.coding_session, server.url);
      return {};
    }
    case "PostToolUse":
    case "UserPromptSubmit": {
      const session_id = knownSession(event.coding_session, server.url);
      if (session_id === null) return {};
      const { session } = await persist((call) => server.sessions.heartbeat({ sessionId: session_id }, call));
      const over = session === undefined ? null : overWords(session);
      return over === null ? {} : { continue: false, stopReason: `Killcord: ${over}` };
    }
    default:
      return {};
  }
}

async function askForTool(event: HookEvent, server: Server, options: HookOptions): Promise<HookAnswer> {
  if (isTooLong(event.input))
    return decided("deny", "the tool's input is larger than an action may be, 256 KiB");
  const sessionId = await sessionFor(event.coding_session, server, options, persist);
  // The same use of a tool, asked for by two hooks, is one action.
  const idempotencyKey = event.use_id === null ? randomUUID() : digest(event.use_id);
  const reply = await persist((call) =>
    server.enforcement.intercept(
      {
        sessionId,
        idempotencyKey,
        actionType: actionType(event.tool),
        actionContent: event.input,
        metadata: { tool: event.tool.slice(0, 256), hook: event.name },
      },
      call,
    ),
  );
  return answerTo(reply.decision, reply.reasoning, options.approve === true);
}

/** Nothing was decided. Only who asked for it may go on then, and only for want of an answer. */
function withoutVerdict(event: HookEvent, failure: CommandFailure, options: HookOptions): HookAnswer {
  const unreachable = failure.code === "unavailable" || failure.code === "deadline_exceeded";
  if (unreachable && options.failOpen === true) {
    return { systemMessage: `Killcord does not answer, and --fail-open lets this pass: ${failure.message}` };
  }
  if (event.name !== "PreToolUse") {
    note(plain(failure.message));
    return {};
  }
  return halting.has(failure.code) ? stopping(failure.message) : decided("deny", failure.message);
}

/** Refusals of a start that will not change while this run lasts. */
const halting: ReadonlySet<string> = new Set(["scope_halted", "agent_suspended", "credential_revoked"]);

const persist: Persist = async (call) => {
  const until = performance.now() + call_ms;
  for (let wait_ms = 50; ; wait_ms *= 2) {
    try {
      return await call({ timeoutMs: Math.max(1, Math.ceil(until - performance.now())) });
    } catch (error) {
      const passing = error instanceof ConnectError && error.code === Code.Unavailable;
      if (!passing || performance.now() + wait_ms >= until) throw error;
    }
    await sleep(wait_ms);
  }
};

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > event_bytes)
      throw new CommandFailure("invalid_argument", 2, "the event is larger than 16 MiB");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}
