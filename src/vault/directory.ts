/** Makes a directory with those above it. */
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes `directory` and what is missing above it, for this user alone. Node's own recursive mkdir
 * tries for ever where a file system makes nothing and says that the parent is missing, as /proc does.
 *
 * @returns the topmost directory that was made; null when all were there
 * @throws {Error} as mkdir does
 */
export async function makeDirectories(directory: string): Promise<string | null> {
  const path = resolve(directory);
  const code = await attempt(path);
  if (code === "made") {
    return path;
  }
  if (code === "there") {
    return null;
  }
  const topmost = await makeDirectories(dirname(path));
  await mkdir(path, { mode: 0o700 });
  return topmost ?? path;
}

async function attempt(path: string): Promise<"made" | "there" | "no parent"> {
  try {
    await mkdir(path, { mode: 0o700 });
    return "made";
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) {
      return "there";
    }
    if (code === "ENOENT" && dirname(path) !== path) {
      return "no parent";
    }
    throw error;
  }
}
