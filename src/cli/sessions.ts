/** `killcord sessions`: what runs, and stopping it. */
import type { Command } from "commander";
import { type Session, SessionService, type SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { CommandFailure } from "./failure.js";
import { print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { raiseCommand } from "./raise-command.js";
import { restReply } from "./rest-form.js";
import { sessionCard, sessionTable } from "./session-view.js";
import { statusOption } from "./status-option.js";
import { command, serverCommands } from "./teach.js";
import { watchCommand } from "./watch-command.js";

/** `killcord sessions`. */
export function sessionsCommand(): Command {
  return serverCommands(
    "sessions",
    {
      summary: "see what runs, and stop it",
      description: "Lists, shows, watches, holds and stops sessions. A session is one run of one agent.",
      examples: [
        "killcord sessions list",
        'killcord sessions kill sess_5f0c2a9be1d34c7788aa01f2 --reason "runaway"',
      ],
    },
    [
      listCommand(),
      getCommand(),
      watchCommand(),
      pauseCommand(),
      resumeCommand(),
      raiseCommand(),
      killCommand(),
      endCommand(),
    ],
  );
}

interface ListOptions extends AccessOptions, PageOptions {
  readonly status?: readonly SessionStatus[];
  readonly agent?: string;
  readonly credential?: string;
}

function listCommand(): Command {
  const list = command("list", {
    summary: "list sessions, active first",
    description:
      "Lists sessions: active first, then paused, then stopped; newest first in each. " +
      "LEFT is the time until ttl_seconds end the run.",
    examples: [
      "killcord sessions list --status active",
      "killcord sessions list --agent loan-bot --all --json",
    ],
  })
    .addOption(statusOption())
    .option("--agent <agent_id>", "only sessions of this agent")
    .option("--credential <credential_id>", "only sessions on this credential");
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: ListOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) =>
          server.sessions.listSessions({
            ...page,
            status: [...(options.status ?? [])],
            ...(options.agent === undefined ? {} : { agentId: options.agent }),
            ...(options.credential === undefined ? {} : { credentialId: options.credential }),
          }),
        (whole, next) => whole.sessions.push(...next.sessions),
      );
      if (options.json) return printJson(restReply(SessionService.method.listSessions, reply));
      if (reply.sessions.length === 0) return print("no sessions match");
      print(sessionTable(reply.sessions));
      tellMore(reply.sessions.length, reply);
    });
  });
}

function getCommand(): Command {
  return command("get", {
    summary: "show one session",
    description: "Shows one session: its status, its budgets, what it has used, and why it stopped.",
    examples: ["killcord sessions get sess_5f0c2a9be1d34c7788aa01f2"],
  })
    .argument("<session_id>", "the session")
    .action(async (sessionId: string, options: AccessOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.sessions.getSession({ sessionId });
        if (options.json) return printJson(restReply(SessionService.method.getSession, reply));
        print(sessionCard(present(reply.session)));
      });
    });
}

interface OrderOptions extends AccessOptions {
  readonly reason?: string;
}

/** What an operator orders on one session, with a reason. */
function orderCommand(
  name: "kill" | "pause" | "resume",
  text: Parameters<typeof command>[1],
  method: "killSession" | "pauseSession" | "resumeSession",
): Command {
  return command(name, text)
    .argument("<session_id>", "the session")
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .action(async (sessionId: string, options: OrderOptions) => {
      await withServer(options, async (server) => {
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const reply = await server.sessions[method]({ sessionId, ...reason });
        if (options.json) return printJson(restReply(SessionService.method[method], reply));
        print(sessionCard(present(reply.session)));
      });
    });
}

function killCommand(): Command {
  const text = {
    summary: "stop a session for ever",
    description:
      "Stops a session. When this returns, each further action of the session is answered `terminate`. " +
      "A session that has stopped before stays as it is, and is shown.",
    examples: ['killcord sessions kill sess_5f0c2a9be1d34c7788aa01f2 --reason "runaway loop"'],
  };
  return orderCommand("kill", text, "killSession");
}

function pauseCommand(): Command {
  const text = {
    summary: "hold a session until it is resumed",
    description:
      "Holds a session and its sub-sessions. When this returns, each further action is answered `block` " +
      "and counts nothing; its ttl runs on, its idle time does not. One that is held or has stopped stays " +
      "as it is, and is shown.",
    examples: ['killcord sessions pause sess_5f0c2a9be1d34c7788aa01f2 --reason "who asked for this?"'],
  };
  return orderCommand("pause", text, "pauseSession");
}

function resumeCommand(): Command {
  const text = {
    summary: "let a held session go on",
    description:
      "Lets a session that is held go on, and its sub-sessions with it. What a halt on more than this " +
      "session holds goes on when that is lifted: see `killcord lift`.",
    examples: ["killcord sessions resume sess_5f0c2a9be1d34c7788aa01f2"],
  };
  return orderCommand("resume", text, "resumeSession");
}

function endCommand(): Command {
  return command("end", {
    summary: "end a session in good order",
    description:
      "Says that a run is over. A session that has stopped before stays as it is, and is shown. " +
      "To stop a run that misbehaves use `killcord sessions kill`, which records why.",
    examples: ["killcord sessions end sess_5f0c2a9be1d34c7788aa01f2"],
  })
    .argument("<session_id>", "the session")
    .action(async (sessionId: string, options: AccessOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.sessions.endSession({ sessionId });
        if (options.json) return printJson(restReply(SessionService.method.endSession, reply));
        print(sessionCard(present(reply.session)));
      });
    });
}

function present(session: Session | undefined): Session {
  if (session !== undefined) return session;
  throw new CommandFailure("internal", 1, "the server's answer holds no session: is it another version?");
}
