/** Files that a crash leaves as they were or as they were to be, and never in between. */
import fs from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** What is asked of a file system; tests bring one whose calls fail. */
export type FileSystem = Pick<
  typeof fs,
  "mkdir" | "open" | "readFile" | "readdir" | "rename" | "rm" | "stat" | "statfs" | "truncate"
>;

/** The file system of this machine. */
export const node_files: FileSystem = fs;

/** Makes the names in a directory durable: a file's own sync says nothing about its name. */
export async function syncDirectory(directory: string, files: FileSystem = node_files): Promise<void> {
  // Windows can't open a directory, and keeps names without being asked.
  if (process.platform === "win32") {
    return;
  }
  await using handle = await files.open(directory, "r");
  await handle.sync();
}

/** Makes a directory and those above it, for its owner alone, and their names durable. */
export async function makeDirectories(directory: string, files: FileSystem = node_files): Promise<void> {
  const path = resolve(directory);
  const topmost = await makeMissing(path, files);
  if (topmost !== null) {
    await syncNames(dirname(path), dirname(topmost), files);
  }
}

/**
 * Makes `path` and what is missing above it; gives the topmost that was made. Node's own recursive mkdir
 * tries for ever where a file system makes nothing and says that the parent is missing, as /proc does.
 */
async function makeMissing(path: string, files: FileSystem): Promise<string | null> {
  const code = await attempt(path, files);
  if (code === "made") {
    return path;
  }
  if (code === "there") {
    return null;
  }
  const topmost = await makeMissing(dirname(path), files);
  // Meanwhile another may have made it.
  const made = await attempt(path, files);
  if (made === "no parent") {
    throw new Error(
      `${path} can't be made: its file system says that the parent, which is there, is missing`,
    );
  }
  return topmost ?? (made === "made" ? path : null);
}

async function attempt(path: string, files: FileSystem): Promise<"made" | "there" | "no parent"> {
  try {
    await files.mkdir(path, { mode: 0o700 });
    return "made";
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && (await files.stat(path)).isDirectory()) {
      return "there";
    }
    if (code === "ENOENT" && dirname(path) !== path) {
      return "no parent";
    }
    throw error;
  }
}

/** Makes the names of new directories durable, from the deepest up. */
async function syncNames(from: string, to: string, files: FileSystem): Promise<void> {
  await syncDirectory(from, files);
  if (from !== to && from !== dirname(from)) {
    await syncNames(dirname(from), to, files);
  }
}

/**
 * Puts a file in its place, whole and on disk; its name is durable when its directory has been synced
 * afterwards. One call for a path at a time.
 */
export async function placeFile(
  path: string,
  bytes: Uint8Array,
  files: FileSystem = node_files,
): Promise<void> {
  const staged = `${path}.new`;
  {
    await using file = await files.open(staged, "w", 0o600);
    await file.writeFile(bytes);
    await file.sync();
  }
  await files.rename(staged, path);
}

/** The bytes of a file, or null when there is none. */
export async function readIfThere(path: string, files: FileSystem = node_files): Promise<Buffer | null> {
  try {
    return await files.readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return null;
    }
    throw error;
  }
}
