/** A directory of policies, as commands read it. */

import { readPolicyFolder } from "../policies/folder.js";
import type { FiledPolicy, FileFault } from "../policies/policy-file.js";
import { CommandFailure } from "./failure.js";

/** Stands for the id that a server gives. */
const no_id = "0".repeat(32);

/**
 * Reads every policy of a directory.
 *
 * @throws {CommandFailure} with every fault, each with file, line and column
 */
export async function policiesIn(directory: string): Promise<readonly FiledPolicy[]> {
  const { policies, faults } = await readPolicyFolder(directory, () => no_id);
  if (faults.length > 0) {
    throw brokenFiles(faults);
  }
  return policies;
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
