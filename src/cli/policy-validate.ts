/** `killcord policy validate` and `killcord policy schema`: files checked without a server. */
import type { Command } from "commander";
import { print, printJson } from "./output.js";
import { policyDirectory } from "./packs.js";
import { policiesIn } from "./policy-folder.js";
import { command } from "./teach.js";

interface ValidateOptions {
  readonly json?: true;
}

export function policyValidateCommand(): Command {
  return command("validate", {
    summary: "check the policies of a directory, without a server",
    description:
      "Reads every *.yaml and *.yml of a directory and what is below it, and names file, line and column " +
      "of everything that is wrong. Files that end in .test.yaml are for `killcord policy test`.",
    examples: ["killcord policy validate policies"],
  })
    .argument(
      "<directory>",
      "where the files are, or pack:NAME for a pack that comes with Killcord",
      policyDirectory,
    )
    .option("--json", "print JSON, also for errors")
    .action(async (directory: string, options: ValidateOptions) => {
      const policies = await policiesIn(directory);
      const files = new Set(policies.map(({ file }) => file)).size;
      if (options.json) {
        const found = policies.map(({ file, line, document }) => ({ name: document.name, file, line }));
        return printJson({ ok: true, policies: found });
      }
      print(
        `${counted(policies.length, "policy", "policies")} in ${counted(files, "file", "files")}: all good`,
      );
    });
}

/** `1 policy`, `2 policies`. */
export function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

export function policySchemaCommand(): Command {
  return command("schema", {
    summary: "print the JSON Schema of a policy, for editors",
    description:
      "Prints the JSON Schema by which policies are checked. An editor with the YAML language server " +
      "checks a file by it whose first line is `# yaml-language-server: $schema=policy.schema.json`.",
    examples: ["killcord policy schema"],
  }).action(async () => {
    const { policy_schema } = await import("../policies/schema.js");
    print(JSON.stringify(policy_schema, null, 2));
  });
}
