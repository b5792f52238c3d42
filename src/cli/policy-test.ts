/** `killcord policy test`: the tests beside policies, run by the real rules and without a server. */
import type { Command } from "commander";
import { colour, plain, print, printJson } from "./output.js";
import { policyDirectory } from "./packs.js";
import type { FileRun } from "./policy-testing.js";
import { counted } from "./policy-validate.js";
import { command } from "./teach.js";

interface TestOptions {
  readonly json?: true;
}

export function policyTestCommand(): Command {
  return command("test", {
    summary: "run the tests beside the policies of a directory, without a server",
    description:
      "Runs every *.test.yaml and *.test.yml of a directory and what is below it: each test asks for actions, " +
      "in a world of its own and at the times that it says, and says what they must be answered. Exits with 1 " +
      "when one is answered otherwise, or a file has a fault.",
    examples: ["killcord policy test policies", "killcord policy test policies --json"],
  })
    .argument(
      "<directory>",
      "where the files are, or pack:NAME for a pack that comes with Killcord",
      policyDirectory,
    )
    .option("--json", "print JSON, also for errors")
    .action(async (directory: string, options: TestOptions) => {
      const { runAll } = await import("./policy-testing.js");
      const runs = await runAll(directory);
      const failed = runs.flatMap(({ tested }) => tested).filter(({ failure }) => failure !== null).length;
      if (options.json) {
        printJson({ ok: failed === 0, failed, files: runs });
      } else {
        for (const run of runs) show(run);
        print(summary(runs, failed));
      }
      // The answer is on stdout already: what is left to say is that it is no.
      if (failed > 0) process.exitCode = 1;
    });
}

function show({ file, tested }: FileRun): void {
  print(colour("bold", plain(file)));
  for (const { name, failure } of tested) {
    if (failure === null) {
      print(`  ${colour("green", "pass")}  ${plain(name)}`);
      continue;
    }
    const { line, column, expected, found } = failure;
    print(`  ${colour("red", "FAIL")}  ${plain(name)}`);
    print(`        ${plain(`${file}:${line}:${column}`)}`);
    print(`        expected  ${plain(expected)}`);
    print(`        found     ${plain(found)}`);
  }
}

function summary(runs: readonly FileRun[], failed: number): string {
  const tested = runs.flatMap(({ tested }) => tested);
  const checks = tested.reduce((sum, { checked }) => sum + checked, 0);
  const passed = `${counted(tested.length - failed, "test", "tests")} passed`;
  const of = `${counted(checks, "answer", "answers")} in ${counted(runs.length, "file", "files")}`;
  return failed === 0
    ? `${colour("green", passed)} (${of})`
    : `${colour("red", `${counted(failed, "test", "tests")} failed`)}, ${passed} (${of})`;
}
