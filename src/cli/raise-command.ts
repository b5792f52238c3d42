/** `killcord sessions budgets`: raises limits of a session. */
import type { Command } from "commander";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { CommandFailure, wrongUsage } from "./failure.js";
import { usd, wholeNumber } from "./numbers.js";
import { print, printJson } from "./output.js";
import { restReply } from "./rest-form.js";
import { sessionCard } from "./session-view.js";
import { command } from "./teach.js";
import { parseDuration } from "./time.js";

interface RaiseOptions extends AccessOptions {
  readonly maxActions?: bigint;
  readonly maxTokens?: bigint;
  readonly maxCostUsd?: string;
  readonly ttl?: bigint;
  readonly reason?: string;
}

export function raiseCommand(): Command {
  return command("budgets", {
    summary: "raise limits of a session",
    description:
      "Raises limits of a session, and lets it go on when it was held by one of them and all fits again. Each is the " +
      "new limit as a whole, not what is added. A limit can't be lowered, nor one set that the session was started without.",
    examples: [
      'killcord sessions budgets sess_5f0c2a9be1d34c7788aa01f2 --max-cost-usd 10 --reason "asked for by Ada"',
      "killcord sessions budgets sess_5f0c2a9be1d34c7788aa01f2 --max-tokens 200000 --ttl 2h",
    ],
  })
    .argument("<session_id>", "the session")
    .option("--max-actions <n>", "actions in all", wholeNumber)
    .option("--max-tokens <n>", "tokens in all", wholeNumber)
    .option("--max-cost-usd <usd>", "money in all, e.g. 7.50", usd)
    .option("--ttl <time>", "time from its start, e.g. 90s, 15m, 12h", parseDuration)
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .action(async (sessionId: string, { reason, ...options }: RaiseOptions) => {
      const budgets = budgetsOf(options);
      if (Object.keys(budgets).length === 0) {
        throw wrongUsage("name a limit to raise: --max-actions, --max-tokens, --max-cost-usd or --ttl");
      }
      await withServer(options, async (server) => {
        const more = reason === undefined ? {} : { reason };
        const reply = await server.sessions.updateBudgets({ sessionId, budgets, ...more });
        if (options.json) return printJson(restReply(SessionService.method.updateBudgets, reply));
        if (reply.session === undefined) {
          throw new CommandFailure(
            "internal",
            1,
            "the server's answer holds no session: is it another version?",
          );
        }
        print(sessionCard(reply.session));
      });
    });
}

function budgetsOf({ maxActions, maxTokens, maxCostUsd, ttl }: Omit<RaiseOptions, "reason">) {
  return {
    ...(maxActions === undefined ? {} : { maxActions }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
    ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
  };
}
