/**
 * Writes an export into a folder: all of it or nothing. The names come from a server that may be
 * broken or hostile, so only those of vault-format.md, 8 are taken: trust.json, bundle.json, and
 * what is under log/.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { client_limits } from "./client-limits.js";
import { CommandFailure, systemFailure, wrongUsage } from "./failure.js";

/** The next bytes of one file; a file's pieces follow each other. */
export interface Piece {
  readonly path: string;
  readonly chunk: Uint8Array;
}

/** One file that was written. */
export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  /** Of the whole file, in hex. */
  readonly sha256: string;
}

/** What an export consists of, at the top of its folder. */
const parts = ["trust.json", "bundle.json", "log"] as const;

/**
 * Makes the folder ready, before anything is asked of a server. Refuses one with content unless
 * `force`: evidence that lies there is not overwritten by mistake.
 */
export async function prepareFolder(folder: string, force: boolean): Promise<void> {
  let content: string[];
  try {
    await mkdir(folder, { recursive: true });
    content = await readdir(folder);
  } catch (error) {
    // An existing file at the path is EEXIST from mkdir.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw wrongUsage(`${folder} is not a folder: name one that is empty or does not exist`);
    }
    throw systemFailure(`write to ${folder}`, error);
  }
  if (content.length === 0 || force) return;
  throw new CommandFailure(
    "already_exists",
    1,
    `${folder} is not empty: name another folder, or replace the export in it with --force`,
  );
}

/**
 * Writes the pieces into a folder made ready before. Files appear under their names only when all
 * have come whole and are on disk.
 *
 * @throws {CommandFailure} a name that is none of an export's, a file missing or sent twice, a disk
 *   that refuses; whatever `pieces` throws
 */
export async function writeExport(folder: string, pieces: AsyncIterable<Piece>): Promise<WrittenFile[]> {
  let staging: string | null = null;
  try {
    staging = await mkdtemp(join(folder, ".export-"));
    const files = await stage(staging, pieces);
    await publish(staging, folder);
    return files;
  } catch (error) {
    if (staging !== null) await rm(staging, { recursive: true, force: true });
    throw error instanceof Error && "syscall" in error ? systemFailure(`write to ${folder}`, error) : error;
  }
}

async function stage(staging: string, pieces: AsyncIterable<Piece>): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  const seen = new Set<string>();
  let current: OpenFile | null = null;
  try {
    for await (const { path, chunk } of pieces) {
      if (current?.path !== path) {
        if (current !== null) files.push(await finish(current));
        current = null;
        current = await begin(staging, path, seen);
      }
      current.digest.update(chunk);
      current.bytes += chunk.length;
      await current.handle.writeFile(chunk);
    }
    if (current !== null) files.push(await finish(current));
    current = null;
  } finally {
    await current?.handle.close();
  }
  for (const name of ["trust.json", "bundle.json"]) {
    if (!seen.has(name)) throw refused(`the export has no ${name}`);
  }
  return files;
}

interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly digest: ReturnType<typeof createHash>;
  bytes: number;
}

async function begin(staging: string, path: string, seen: Set<string>): Promise<OpenFile> {
  if (!isExportPath(path)) throw refused(`the export has a file "${path}", which is not a name of an export`);
  if (seen.has(path)) throw refused(`the export has ${path} twice`);
  if (seen.size >= client_limits.export_files)
    throw refused(`the export has more than ${client_limits.export_files} files`);
  seen.add(path);
  const file = join(staging, path);
  await mkdir(dirname(file), { recursive: true });
  return { path, handle: await open(file, "wx"), digest: createHash("sha256"), bytes: 0 };
}

/** The names that vault-format.md, 6 and 8 give; so nothing absolute, hidden, or with `..` in it. */
export function isExportPath(path: string): boolean {
  if (path === "trust.json" || path === "bundle.json") return true;
  return path.length <= 200 && /^log(\/[a-z0-9]+(\.p)?)+$/.test(path);
}

async function finish({ path, handle, digest, bytes }: OpenFile): Promise<WrittenFile> {
  await handle.sync();
  await handle.close();
  return { path, bytes, sha256: digest.digest("hex") };
}

/** Moves the finished files into place; what stood there is gone only now. */
async function publish(staging: string, folder: string): Promise<void> {
  const present = new Set(await readdir(staging));
  for (const part of parts) {
    await rm(join(folder, part), { recursive: true, force: true });
    if (present.has(part)) await rename(join(staging, part), join(folder, part));
  }
  await rmdir(staging);
}

function refused(what: string): CommandFailure {
  return new CommandFailure(
    "data_loss",
    1,
    `${what}: nothing was written; is the server of another version?`,
  );
}
