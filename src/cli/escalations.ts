/** `killcord escalations`: which actions wait for a person, what they say, and answering them. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import {
  EscalationResolution,
  EscalationService,
  EscalationStatus,
  type WatchEscalationsResponse,
} from "../../gen/killcord/v1/escalation_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { escalationCard, escalationLine, escalationTable, stateCard } from "./escalation-view.js";
import { CommandFailure, wrongUsage } from "./failure.js";
import { note, print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { restReply } from "./rest-form.js";
import { command, serverCommands } from "./teach.js";
import { type FollowOptions, followEscalations } from "./watch.js";

/** `killcord escalations`. */
export function escalationsCommand(): Command {
  return serverCommands(
    "escalations",
    {
      summary: "see which actions wait for a person, and answer them",
      description:
        "Lists, shows, follows and answers actions that a policy has escalated. Answering needs a key of role " +
        "approver that is no agent's, and that neither started the session nor asked for the action, or an admin's.",
      examples: [
        "killcord escalations list",
        'killcord escalations resolve esc_0123456789ab --approve --reason "checked by phone"',
      ],
    },
    [listCommand(), showCommand(), watchCommand(), resolveCommand()],
  );
}

const statuses = {
  pending: [EscalationStatus.PENDING],
  approved: [EscalationStatus.APPROVED],
  rejected: [EscalationStatus.REJECTED],
  expired: [EscalationStatus.EXPIRED],
  all: [
    EscalationStatus.PENDING,
    EscalationStatus.APPROVED,
    EscalationStatus.REJECTED,
    EscalationStatus.EXPIRED,
  ],
} as const;

type StatusWord = keyof typeof statuses;

function readStatus(word: string, before: readonly EscalationStatus[] | undefined) {
  if (!Object.hasOwn(statuses, word)) {
    throw new InvalidArgumentError(`Expected ${Object.keys(statuses).join(", ")}.`);
  }
  return [...(before ?? []), ...statuses[word as StatusWord]];
}

interface ListOptions extends AccessOptions, PageOptions {
  readonly status?: readonly EscalationStatus[];
  readonly agent?: string;
  readonly session?: string;
}

function listCommand(): Command {
  const list = command("list", {
    summary: "list escalations, newest first",
    description: "Lists the actions that wait for a person; with --status those that waited, too.",
    examples: ["killcord escalations list", "killcord escalations list --status all --all --json"],
  })
    .addOption(
      new Option("--status <status>", `only ${Object.keys(statuses).join(", ")}; repeatable`).argParser(
        readStatus,
      ),
    )
    .option("--agent <agent_id>", "only escalations of this agent")
    .option("--session <session_id>", "only escalations of this session");
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: ListOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) =>
          server.escalations.listEscalations({
            ...page,
            status: [...(options.status ?? [])],
            ...filterOf(options),
          }),
        (whole, next) => whole.escalations.push(...next.escalations),
      );
      if (options.json) return printJson(restReply(EscalationService.method.listEscalations, reply));
      if (reply.escalations.length === 0) return print("no escalations match");
      print(escalationTable(reply.escalations));
      tellMore(reply.escalations.length, reply);
    });
  });
}

function filterOf({ agent, session }: { readonly agent?: string; readonly session?: string }) {
  return {
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(session === undefined ? {} : { sessionId: session }),
  };
}

function showCommand(): Command {
  return command("show", {
    summary: "show one escalation, and what the action says",
    description:
      "Shows what was asked, by whom and why it was escalated. To an approver, while it waits, also the text and " +
      "the metadata of the action: the server has held them against the digests that it sealed.",
    examples: ["killcord escalations show esc_0123456789ab"],
  })
    .argument("<escalation_id>", "the escalation")
    .action(async (escalationId: string, options: AccessOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.escalations.getEscalation({ escalationId });
        if (options.json) return printJson(restReply(EscalationService.method.getEscalation, reply));
        print(escalationCard(present(reply.escalation)));
      });
    });
}

interface WatchOptions extends AccessOptions {
  readonly agent?: string;
  readonly session?: string;
}

function watchCommand(): Command {
  return command("watch", {
    summary: "follow escalations as they are opened and answered",
    description:
      "Prints the escalations that wait, and each as it is opened, answered or used. Named ones are followed until " +
      "all of them are answered. Connects again by itself when the connection is lost, and misses no answer. With " +
      "--json: one JSON line a message.",
    examples: ["killcord escalations watch", "killcord escalations watch esc_0123456789ab"],
  })
    .argument("[escalation_ids...]", "the escalations; none means all")
    .option("--agent <agent_id>", "only escalations of this agent")
    .option("--session <session_id>", "only escalations of this session")
    .action(async (escalationIds: readonly string[], options: WatchOptions) => {
      const filter = filterOf(options);
      if (escalationIds.length > 0 && Object.keys(filter).length > 0) {
        throw wrongUsage("escalation ids go without --agent and --session");
      }
      const which = escalationIds.length > 0 ? { escalationIds: [...escalationIds] } : filter;
      await withServer(options, async (server) => {
        const shown = new Map<string, string>();
        for await (const message of followEscalations(server, which, telling(options.json === true))) {
          if (options.json) {
            printJson(restReply(EscalationService.method.watchEscalations, message));
          } else {
            showChange(message, shown);
          }
        }
      });
    });
}

function telling(json: boolean): FollowOptions {
  const onLost = (reason: string) => note(`the connection was lost (${reason}): connecting again`);
  return json ? {} : { onLost };
}

/** Prints a state once: each connection begins with the present one, which may be known. */
function showChange({ update }: WatchEscalationsResponse, shown: Map<string, string>): void {
  if (update.case !== "escalation") return;
  const escalation = update.value;
  const state = `${escalation.status} ${escalation.usedBy}`;
  if (shown.get(escalation.escalationId) === state) return;
  shown.set(escalation.escalationId, state);
  print(escalationLine(escalation, new Date()));
}

interface ResolveOptions extends AccessOptions {
  readonly approve?: true;
  readonly reject?: true;
  readonly reason?: string;
  readonly unseen?: true;
}

function resolveCommand(): Command {
  return command("resolve", {
    summary: "approve or reject an action that waits",
    description:
      "Answers an escalation, once. An approval is good for that very action, once, for 15 minutes; policies that " +
      "block still block it. What is answered stays so: to take an approval back, stop the session.",
    examples: [
      'killcord escalations resolve esc_0123456789ab --approve --reason "checked by phone"',
      'killcord escalations resolve esc_0123456789ab --reject --reason "not without a ticket"',
    ],
  })
    .argument("<escalation_id>", "the escalation")
    .addOption(new Option("--approve", "the action may be done, once").conflicts("reject"))
    .addOption(new Option("--reject", "it may not be done"))
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .option("--unseen", "approve although the text was lost and nobody can see it")
    .action(async (escalationId: string, options: ResolveOptions) => {
      if (options.approve !== true && options.reject !== true) {
        throw wrongUsage("say --approve or --reject");
      }
      const resolution = options.approve ? EscalationResolution.APPROVED : EscalationResolution.REJECTED;
      await withServer(options, async (server) => {
        const reply = await server.escalations.resolveEscalation({
          escalationId,
          resolution,
          unseen: options.unseen === true,
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        });
        if (options.json) return printJson(restReply(EscalationService.method.resolveEscalation, reply));
        print(stateCard(present(reply.escalation)));
      });
    });
}

function present<Message>(message: Message | undefined): Message {
  if (message !== undefined) return message;
  throw new CommandFailure("internal", 1, "the server's answer holds no escalation: is it another version?");
}
