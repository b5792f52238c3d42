/** `killcord policy test`: the tests beside policies, run by the real rules and without a server. */
import { posix } from "node:path";
import type { Command } from "commander";
import { readPolicyFolder, readTexts } from "../policies/folder.js";
import type { FiledPolicy, FileFault } from "../policies/policy-file.js";
import { readTestFile, type TestFile } from "../policies/test-file.js";
import { runTest, type Tested } from "../services/table-test.js";
import { CommandFailure } from "./failure.js";
import { colour, plain, print, printJson } from "./output.js";
import { policyDirectory } from "./packs.js";
import { brokenFiles } from "./policy-folder.js";
import { counted } from "./policy-validate.js";
import { command } from "./teach.js";

interface TestOptions {
  readonly json?: true;
}

/** One file of tests, run. */
interface FileRun {
  readonly file: string;
  readonly tested: readonly Tested[];
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

async function runAll(directory: string): Promise<readonly FileRun[]> {
  const { policies, faults: wrong } = await readPolicyFolder(directory, idOf());
  const faults: FileFault[] = [...wrong];
  const files: (TestFile & { readonly file: string })[] = [];
  for (const { file, text } of await readTexts(directory, "tests", faults)) {
    const read = readTestFile(file, text);
    faults.push(...read.faults);
    files.push({ file, ...read });
  }
  const held = new Set(policies.map(({ file }) => file));
  for (const { file, policies: named } of files) {
    const missing = named.filter((name) => !held.has(beside(file, name)));
    faults.push(
      ...missing.map((name) => ({ file, line: 1, column: 1, message: `there are no policies in ${name}` })),
    );
  }
  if (faults.length > 0) throw brokenFiles(faults);
  if (files.length === 0) {
    throw new CommandFailure("invalid_argument", 1, `there is no test in ${directory} (*.test.yaml)`);
  }
  return files.map(({ file, policies: named, tests }) => {
    const tried = policiesOf(file, named, policies).map(({ document }) => ({ document, version: 1 }));
    return { file, tested: tests.map((test) => runTest(test, tried)) };
  });
}

/** Ids of policies that have none yet, each its own. */
function idOf(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return count.toString(16).padStart(32, "0");
  };
}

/** A file by the name that a file of tests gives it. */
function beside(file: string, name: string): string {
  return posix.normalize(posix.join(posix.dirname(file), name));
}

function policiesOf(
  file: string,
  named: readonly string[],
  all: readonly FiledPolicy[],
): readonly FiledPolicy[] {
  const wanted = new Set(named.map((name) => beside(file, name)));
  return all.filter((policy) => wanted.has(policy.file));
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
