/** The `killcord` program: every command, its help, and how its errors are told. */
import { Command } from "commander";
import { agentsCommand } from "./agents.js";
import { credentialsCommand } from "./credentials.js";
import { demoCommand } from "./demo.js";
import { demoAgentCommand } from "./demo-agent.js";
import { drillCommand } from "./drill.js";
import { escalationsCommand } from "./escalations.js";
import { exportCommand } from "./export.js";
import { haltCommand } from "./halt.js";
import { haltsCommand, liftCommand } from "./halts.js";
import { hookCommand } from "./hook.js";
import { keysCommand } from "./keys.js";
import { packagedVersion } from "./packaged.js";
import { policyCommand } from "./policy.js";
import { runCommand } from "./run.js";
import { sessionsCommand } from "./sessions.js";
import { vaultCommand } from "./vault.js";
import { witnessCommand } from "./witness.js";

const after_help = `
First steps:
  killcord demo             see three runaway agents being stopped, and the proof of it
  killcord serve            start a server here, on http://127.0.0.1:7411
  killcord sessions list    in another terminal, same folder: what runs there

Environment:
  KILLCORD_URL              the server (http://127.0.0.1:7411)
  KILLCORD_API_KEY          the key; without it the admin key in ./killcord-data, if it is readable
  NO_COLOR                  no colours

Exit status: 0 done, 1 the thing asked about failed, 2 wrong usage, 3 unreachable or refused.`;

/** Puts the program together. `serve` and `verify` come from outside: they need parts of their own. */
export function buildProgram(outside: { readonly serve: Command; readonly verify: Command }): Command {
  return new Command("killcord")
    .description("Killcord stops AI agents that are already running, and proves it.")
    .version(packagedVersion(), "-V, --version", "print the version")
    .addHelpText("after", after_help)
    .addCommand(outside.serve)
    .addCommand(demoCommand())
    .addCommand(runCommand())
    .addCommand(hookCommand())
    .addCommand(sessionsCommand())
    .addCommand(haltCommand())
    .addCommand(liftCommand())
    .addCommand(haltsCommand())
    .addCommand(escalationsCommand())
    .addCommand(drillCommand())
    .addCommand(policyCommand())
    .addCommand(agentsCommand())
    .addCommand(credentialsCommand())
    .addCommand(keysCommand())
    .addCommand(exportCommand())
    .addCommand(vaultCommand())
    .addCommand(outside.verify)
    .addCommand(witnessCommand())
    .addCommand(demoAgentCommand(), { hidden: true });
}

/** Two folders above dist/src and its like: the package's own. */
