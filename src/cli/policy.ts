/** `killcord policy`: what agents may do, from files and on the server. */
import type { Command } from "commander";
import { policyApplyCommand } from "./policy-apply.js";
import { policyExplainCommand } from "./policy-explain.js";
import { policyGetCommand, policyListCommand } from "./policy-list.js";
import { policyReplayCommand } from "./policy-replay.js";
import { policyTestCommand } from "./policy-test.js";
import { policySchemaCommand, policyValidateCommand } from "./policy-validate.js";
import { command, talksToServer } from "./teach.js";

/** `killcord policy`. */
export function policyCommand(): Command {
  return command("policy", {
    summary: "say what agents may do: policies, from files",
    description:
      "Keeps policies as code: a directory of YAML files, checked, tested and applied to a server. " +
      "docs/policies.md has every field and an example of every type.",
    examples: [
      "killcord policy validate policies",
      "killcord policy apply policies --dry-run",
      "killcord policy list",
    ],
  })
    .addCommand(talksToServer(policyListCommand()))
    .addCommand(talksToServer(policyGetCommand()))
    .addCommand(talksToServer(policyApplyCommand()))
    .addCommand(policyTestCommand())
    .addCommand(policyValidateCommand())
    .addCommand(policyExplainCommand())
    .addCommand(policyReplayCommand())
    .addCommand(policySchemaCommand());
}
