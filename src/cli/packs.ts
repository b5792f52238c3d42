/** Packs of policies that come with the program: `pack:NAME` where a directory of policies may stand. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "./failure.js";
import { packagedUrl } from "./packaged.js";

const prefix = "pack:";

/**
 * The directory that is meant: of a pack its own, else the path as it is.
 *
 * @throws {CommandFailure} invalid_argument, with the names that there are
 */
export function policyDirectory(path: string): string {
  if (!path.startsWith(prefix)) {
    return path;
  }
  const name = path.slice(prefix.length);
  const names = packNames();
  if (!names.includes(name)) {
    const known = names.map((each) => prefix + each).join(", ");
    throw new CommandFailure(
      "invalid_argument",
      1,
      `there is no pack ${JSON.stringify(name)}: there are ${known}`,
    );
  }
  return fileURLToPath(packagedUrl(`policies/packs/${name}/`));
}

/** Their names, in order. */
export function packNames(): readonly string[] {
  return readdirSync(packagedUrl("policies/packs/")).sort();
}
