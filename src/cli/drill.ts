/** `killcord drill`: rehearses a stop on the server, and shows how long each of its steps took. */
import type { Command } from "commander";
import { type Drill, DrillOutcome, HaltService } from "../../gen/killcord/v1/halt_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { CommandFailure } from "./failure.js";
import { showMilliseconds } from "./halt-view.js";
import { colour, plain, print, printJson } from "./output.js";
import { restReply } from "./rest-form.js";
import { pairs } from "./table.js";
import { command, talksToServer } from "./teach.js";

/** `killcord drill`. */
export function drillCommand(): Command {
  const drill = command("drill", {
    summary: "rehearse a stop, and see how long each step takes",
    description:
      "The server opens a client to its own port, starts a session, stops it as it would any other, and waits " +
      "until the client has confirmed. Sealed, and marked as a drill wherever it shows. Ends with 1 when the " +
      "stop was not confirmed, so that cron or a monitor can run it.",
    examples: ["killcord drill", "killcord drill --agent loan-bot --json"],
  }).option("--agent <agent_id>", "the agent under whose name it runs (default killcord-drill)");
  return talksToServer(drill).action(async (options: AccessOptions & { readonly agent?: string }) => {
    await withServer(options, async (server) => {
      const agent = options.agent === undefined ? {} : { agentId: options.agent };
      const reply = await server.halts.drill(agent);
      if (reply.drill === undefined) {
        throw new CommandFailure("internal", 1, "the server's answer holds no drill: is it another version?");
      }
      if (options.json) printJson(restReply(HaltService.method.drill, reply));
      else print(drillCard(reply.drill));
      if (reply.drill.outcome !== DrillOutcome.CONFIRMED) process.exitCode = 1;
    });
  });
}

function drillCard(drill: Drill): string {
  const outcome =
    drill.outcome === DrillOutcome.CONFIRMED
      ? colour("green", "● confirmed")
      : colour("red", "✗ not confirmed");
  const step = (elapsed_ms: number | undefined) =>
    elapsed_ms === undefined ? "-" : showMilliseconds(elapsed_ms);
  const entries: (readonly [string, string])[] = [
    ["drill", plain(drill.drillId)],
    ["outcome", outcome],
    ["sealed", step(drill.requestedMs)],
    ["told", step(drill.deliveredMs)],
    ["stopping", step(drill.acknowledgedMs)],
    ["stopped", step(drill.confirmedMs)],
    ["session", plain(drill.sessionId ?? "")],
    ["halt", plain(drill.haltId ?? "")],
    ["sealed as", plain(drill.vaultEntryId)],
    ["failure", plain(drill.failure ?? "")],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}
