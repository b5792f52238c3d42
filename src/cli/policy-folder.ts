/** Policies in files, as commands read them. */
import { readFile, stat } from "node:fs/promises";
import type { PolicyDocument } from "../core/policy/document.js";
import type { FiledPolicy, FileFault } from "../policies/policy-file.js";
import { CommandFailure, systemFailure } from "./failure.js";

/** Stands for the id that a server gives. */
const no_id = "0".repeat(32);

/**
 * Reads every policy of a directory.
 *
 * @throws {CommandFailure} with every fault, each with file, line and column
 */
export async function policiesIn(directory: string): Promise<readonly FiledPolicy[]> {
  const { readPolicyFolder } = await readers();
  const { policies, faults } = await readPolicyFolder(directory, () => no_id);
  if (faults.length > 0) {
    throw brokenFiles(faults);
  }
  return policies;
}

/**
 * Reads every policy of some directories and files.
 *
 * @param idOf the policy_id that goes with a name
 * @throws {CommandFailure} with every fault, each with file, line and column
 */
export async function policiesAt(
  paths: readonly string[],
  idOf: (name: string) => string,
): Promise<readonly PolicyDocument[]> {
  const policies: PolicyDocument[] = [];
  const faults: FileFault[] = [];
  for (const path of paths) {
    const found = await readPolicies(path, idOf);
    policies.push(...found.policies.map(({ document }) => document));
    faults.push(...found.faults);
  }
  for (const [i, { name }] of policies.entries()) {
    if (policies.findIndex((other) => other.name === name) < i) {
      faults.push({
        file: paths.join(" "),
        line: 1,
        column: 1,
        message: `two policies are named ${JSON.stringify(name)}`,
      });
    }
  }
  if (faults.length > 0) {
    throw brokenFiles(faults);
  }
  return policies;
}

/** Loaded when files are read: YAML, CEL and patterns would make every other command slower to start. */
async function readers() {
  return { ...(await import("../policies/folder.js")), ...(await import("../policies/policy-file.js")) };
}

async function readPolicies(path: string, idOf: (name: string) => string) {
  const { readPolicyFolder, readPolicyFile } = await readers();
  let text: string;
  try {
    if ((await stat(path)).isDirectory()) {
      return await readPolicyFolder(path, idOf);
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    throw systemFailure(`read ${path}`, error);
  }
  return readPolicyFile(path, text, idOf);
}

/** The failure that lists what is wrong in files, each with its place. */
export function brokenFiles(
  faults: readonly FileFault[],
  consequence = "so nothing was done",
): CommandFailure {
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return new CommandFailure("invalid_argument", 1, `${count} in the files, ${consequence}`, {
    details: faults.map(({ file, line, column, message }) => ({
      field: `${file}:${line}:${column}`,
      issue: message,
    })),
  });
}
