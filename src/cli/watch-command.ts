/** `killcord sessions watch`: one session to its end, or many, a line a change. */
import type { Command } from "commander";
import {
  SessionService,
  type SessionStatus,
  type WatchSessionResponse,
  type WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import type { AccessOptions } from "./access.js";
import { type Server, withServer } from "./client.js";
import { wrongUsage } from "./failure.js";
import { note, print, printJson } from "./output.js";
import { restReply } from "./rest-form.js";
import { changeLine, isTerminal, stopLine, watchLine } from "./session-view.js";
import { statusOption } from "./status-option.js";
import { command } from "./teach.js";
import { type Followed, type FollowOptions, follow, followSessions } from "./watch.js";

interface WatchOptions extends AccessOptions {
  readonly agent?: string;
  readonly label?: string;
  readonly status?: readonly SessionStatus[];
}

export function watchCommand(): Command {
  return command("watch", {
    summary: "follow sessions, one until it stops, or all",
    description:
      "Prints states of sessions as they are sealed. One session is followed until it stops, several until " +
      "all have; without an id every live session is, or those that the options name. Connects again by itself " +
      "when the connection is lost, and misses no stop. With --json: one JSON line a message.",
    examples: [
      "killcord sessions watch sess_5f0c2a9be1d34c7788aa01f2",
      "killcord sessions watch --agent loan-bot",
      "killcord sessions watch --status killed --json",
    ],
  })
    .argument("[session_ids...]", "the sessions; none means all")
    .option("--agent <agent_id>", "only sessions of this agent")
    .option("--label <label>", "only sessions with this label")
    .addOption(statusOption())
    .action(async (session_ids: readonly string[], options: WatchOptions) => {
      const filter = filterOf(options);
      const [first, ...others] = session_ids;
      if (first !== undefined && Object.keys(filter).length > 0) {
        throw wrongUsage("session ids go without --agent, --label and --status");
      }
      await withServer(options, (server) =>
        first !== undefined && others.length === 0
          ? watchOne(server, first, options.json === true)
          : watchMany(
              server,
              first === undefined ? filter : { sessionIds: [...session_ids] },
              options.json === true,
            ),
      );
    });
}

function filterOf({ agent, label, status }: WatchOptions): Followed {
  return {
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(label === undefined ? {} : { label }),
    ...(status === undefined ? {} : { status: [...status] }),
  };
}

function telling(json: boolean): FollowOptions {
  const onLost = (reason: string) => note(`the connection was lost (${reason}): connecting again`);
  return json ? {} : { onLost };
}

async function watchOne(server: Server, session_id: string, json: boolean): Promise<void> {
  let shown = -1n;
  for await (const message of follow(server, session_id, telling(json))) {
    if (json) printJson(restReply(SessionService.method.watchSession, message));
    else shown = showState(message, shown);
  }
}

/** Prints a state once: each connection begins with the present one, which may be known. */
function showState(message: WatchSessionResponse, shown: bigint): bigint {
  if (message.update.case !== "session" || message.revision <= shown) return shown;
  const session = message.update.value;
  print(watchLine(session, new Date()));
  if (isTerminal(session.status)) print(stopLine(session));
  return message.revision;
}

async function watchMany(server: Server, which: Followed, json: boolean): Promise<void> {
  /** What was printed of each live session: a new connection begins with what is known. */
  const shown = new Map<string, string>();
  for await (const message of followSessions(server, which, telling(json))) {
    if (json) printJson(restReply(SessionService.method.watchSessions, message));
    else showChange(message, shown);
  }
}

function showChange({ update }: WatchSessionsResponse, shown: Map<string, string>): void {
  if (update.case !== "session") return;
  const session = update.value;
  const line = changeLine(session);
  if (line === shown.get(session.sessionId)) return;
  print(watchLine(session, new Date(), line));
  if (isTerminal(session.status)) shown.delete(session.sessionId);
  else shown.set(session.sessionId, line);
}
