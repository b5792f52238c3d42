/** `killcord halts` and `killcord lift`: which stops there are, how far each is, and taking one back. */
import type { Command } from "commander";
import { Option } from "commander";
import { HaltService, HaltStatus } from "../../gen/killcord/v1/halt_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { CommandFailure } from "./failure.js";
import { haltCard, haltSessionTable, haltTable } from "./halt-view.js";
import { print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { restReply } from "./rest-form.js";
import { command, serverCommands, talksToServer } from "./teach.js";

/** `killcord halts`. */
export function haltsCommand(): Command {
  return serverCommands(
    "halts",
    {
      summary: "see which stops there are, and how far each is",
      description:
        "Lists stop orders, and shows how far one is at each session. To order one: `killcord halt`.",
      examples: ["killcord halts list --status in_force", "killcord halts get halt_0c1d2e3f4a5b"],
    },
    [listCommand(), getCommand()],
  );
}

interface ListOptions extends AccessOptions, PageOptions {
  readonly status?: "in_force" | "lifted" | "over";
}

const statuses = { in_force: HaltStatus.IN_FORCE, lifted: HaltStatus.LIFTED, over: HaltStatus.OVER } as const;

function listCommand(): Command {
  const list = command("list", {
    summary: "list stop orders, newest first",
    description:
      "Lists the orders that were given, newest first: in force, lifted, and those of one session.",
    examples: ["killcord halts list", "killcord halts list --status in_force --json"],
  }).addOption(new Option("--status <status>", "only these").choices(Object.keys(statuses)));
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: ListOptions) => {
    await withServer(options, async (server) => {
      const status = options.status === undefined ? {} : { status: statuses[options.status] };
      const reply = await readPages(
        options,
        (page) => server.halts.listHalts({ ...page, ...status }),
        (whole, next) => whole.halts.push(...next.halts),
      );
      if (options.json) return printJson(restReply(HaltService.method.listHalts, reply));
      if (reply.halts.length === 0) return print("no orders match");
      print(haltTable(reply.halts));
      tellMore(reply.halts.length, reply);
    });
  });
}

function getCommand(): Command {
  const get = command("get", {
    summary: "show one stop, and how far each of its sessions is",
    description:
      "Shows a stop by its id: an order's, or that of one session whose budget, time, lease or credential ended " +
      "it. Times in the table are since the session's stop was sealed.",
    examples: ["killcord halts get halt_0c1d2e3f4a5b", "killcord halts get halt_0c1d2e3f4a5b --all --json"],
  }).argument("<halt_id>", "the stop");
  for (const option of pageOptions()) get.addOption(option);
  return get.action(async (haltId: string, options: AccessOptions & PageOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) => server.halts.getHalt({ ...page, haltId }),
        (whole, next) => whole.sessions.push(...next.sessions),
      );
      if (options.json) return printJson(restReply(HaltService.method.getHalt, reply));
      if (reply.halt === undefined) {
        throw new CommandFailure("internal", 1, "the server's answer holds no halt: is it another version?");
      }
      print(haltCard(reply.halt));
      if (reply.sessions.length > 0) print(`\n${haltSessionTable(reply.sessions)}`);
      tellMore(reply.sessions.length, reply);
    });
  });
}

/** `killcord lift`. */
export function liftCommand(): Command {
  const lift = command("lift", {
    summary: "lift a stop order: new sessions may start again",
    description:
      "Lifts an order. New sessions may start on its scope, and sessions that only it held go on; what it killed " +
      "stays killed. An order that was lifted before is shown as it is.",
    examples: ['killcord lift halt_0c1d2e3f4a5b --reason "key rotated"'],
  })
    .argument("<halt_id>", "the order")
    .option("--reason <text>", "why; sealed for ever, so no personal data");
  return talksToServer(lift).action(
    async (haltId: string, options: AccessOptions & { readonly reason?: string }) => {
      await withServer(options, async (server) => {
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const reply = await server.halts.liftHalt({ haltId, ...reason });
        if (options.json) return printJson(restReply(HaltService.method.liftHalt, reply));
        if (reply.halt !== undefined) print(haltCard(reply.halt));
      });
    },
  );
}
