/** A directory of policies: all of it, or everything that is wrong with it. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../limits.js";
import { type FiledPolicy, type FileFault, readPolicyFile } from "./policy-file.js";

/** What a directory holds. */
export interface PolicyFolder {
  /** In the order of the files' names. */
  readonly policies: readonly FiledPolicy[];
  /** None when the directory may be put in force. */
  readonly faults: readonly FileFault[];
}

/** A file by its path from the directory, with `/` between its steps. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/** Which files of a directory: those of policies, or those of their tests. */
export type Kind = "policies" | "tests";

/**
 * Reads every policy of a directory and what is below it.
 *
 * @param idOf the policy_id that goes with a name: 32 hex digits
 */
export async function readPolicyFolder(
  directory: string,
  idOf: (name: string) => string,
): Promise<PolicyFolder> {
  const faults: FileFault[] = [];
  const policies: FiledPolicy[] = [];
  for (const { file, text } of await readTexts(directory, "policies", faults)) {
    const read = await readPolicyFile(file, text, idOf);
    faults.push(...read.faults);
    policies.push(...read.policies);
  }
  faults.push(...namesakes(policies));
  if (policies.length > limits.policies) {
    faults.push(wholeFault(directory, `more than ${limits.policies} policies`));
  }
  if (policies.length === 0 && faults.length === 0) {
    faults.push(wholeFault(directory, "there is no policy here (*.yaml)"));
  }
  return { policies, faults };
}

function wholeFault(file: string, message: string): FileFault {
  return { file, line: 1, column: 1, message };
}

function namesakes(policies: readonly FiledPolicy[]): readonly FileFault[] {
  const first = new Map<string, FiledPolicy>();
  return policies.flatMap((policy) => {
    const { name } = policy.document;
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, policy);
      return [];
    }
    const { file, line, column } = policy;
    const message = `name: ${JSON.stringify(name)} is also the name of the policy at ${before.file}:${before.line}`;
    return [{ file, line, column, message }];
  });
}

/** The texts of all files of a kind; what cannot be read becomes a fault. */
export async function readTexts(
  directory: string,
  kind: Kind,
  faults: FileFault[],
): Promise<readonly TextFile[]> {
  const texts: TextFile[] = [];
  for (const file of await filesIn(directory, kind, faults)) {
    try {
      const path = join(directory, file);
      const { size } = await stat(path);
      if (size > limits.policy_file_bytes) {
        throw new Error(`larger than ${limits.policy_file_bytes} bytes`);
      }
      texts.push({ file, text: utf8.decode(await readFile(path)) });
    } catch (error) {
      faults.push(wholeFault(file, `cannot be read: ${(error as Error).message}`));
    }
  }
  return texts;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The paths of all files of a kind, sorted; what keeps from reading them becomes a fault. */
export async function filesIn(
  directory: string,
  kind: Kind,
  faults: FileFault[],
): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const names = (await readdir(join(directory, folder))).sort();
    for (const name of names) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (name.startsWith(".") || found.length > limits.policy_files) {
        continue;
      }
      const is_folder = await isFolder(join(directory, path), path, faults);
      if (is_folder === true && depth >= limits.policy_folder_depth) {
        // Not passed over: what lies there might be a policy that somebody counts on.
        faults.push(wholeFault(path, `more than ${limits.policy_folder_depth} folders within each other`));
      } else if (is_folder === true) {
        await visit(path, depth + 1);
      } else if (is_folder === false && kindOf(name) === kind) {
        found.push(path);
      }
    }
  };
  try {
    await visit("", 1);
  } catch (error) {
    faults.push(wholeFault(directory, `cannot be read: ${(error as Error).message}`));
    return [];
  }
  if (found.length > limits.policy_files) {
    faults.push(wholeFault(directory, `more than ${limits.policy_files} files`));
    return [];
  }
  return found;
}

/** Through links, of which a mounted configuration is made; null for one that leads nowhere. */
async function isFolder(at: string, path: string, faults: FileFault[]): Promise<boolean | null> {
  try {
    return (await stat(at)).isDirectory();
  } catch (error) {
    // A file of no kind that matters here may be a link to nowhere.
    if (kindOf(path) !== null) {
      faults.push(wholeFault(path, `cannot be read: ${(error as Error).message}`));
    }
    return null;
  }
}

/** What a file is by its name; null for any other. */
export function kindOf(name: string): Kind | null {
  if (/\.test\.ya?ml$/.test(name)) {
    return "tests";
  }
  return /\.ya?ml$/.test(name) ? "policies" : null;
}
