/** The tests of a directory of policies, run by the rules of a server. */
import { posix } from "node:path";
import { readPolicyFolder, readTexts } from "../policies/folder.js";
import type { FiledPolicy, FileFault } from "../policies/policy-file.js";
import { readTestFile, type TestFile } from "../policies/test-file.js";
import { runTest, type Tested } from "../services/table-test.js";
import { CommandFailure } from "./failure.js";
import { brokenFiles } from "./policy-folder.js";

/** One file of tests, run. */
export interface FileRun {
  readonly file: string;
  readonly tested: readonly Tested[];
}

/**
 * Runs every test of a directory.
 *
 * @throws {CommandFailure} with every fault of a file
 */
export async function runAll(directory: string): Promise<readonly FileRun[]> {
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
