/**
 * Opening the log of a data directory, or making a new one (vault-format.md, 7). A new log is begun
 * only where nothing tells of an older one.
 */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../limits.js";
import { type ChainHead, chain, prepare, sealedWith } from "./chain.js";
import { isOrigin } from "./entry.js";
import { type FileSystem, makeDirectories, node_files, syncDirectory } from "./files.js";
import { genesisContent } from "./genesis.js";
import { checkpoints_file, readKept } from "./kept-checkpoints.js";
import { type Keys, makeKeys, readKeys } from "./keys.js";
import { type Found, openLog, type Paths, pathsIn, type VaultOptions } from "./open-log.js";
import { markIn } from "./reconcile.js";
import { asStartError } from "./scan.js";
import { signText } from "./signature.js";
import { keyId, spkiOf } from "./signer.js";
import { StartError } from "./start-error.js";
import { timeText } from "./time.js";
import { type Vault, VaultPoisoned } from "./vault.js";

/**
 * Opens the log, or makes a new one where nothing tells of an older one. Everything stored is checked
 * first; afterwards all of it is what was once sealed. It is published once `publish` was called.
 *
 * @throws {StartError} when it must not be opened
 * @throws {VaultPoisoned} when entry 0 can't be written; the next start goes on from there
 * @throws {RangeError} for an origin that can't name a log; nothing was touched then
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  if (options.origin !== undefined && !isOrigin(options.origin)) {
    throw new RangeError(
      `${JSON.stringify(options.origin)} can't name a log: 1 to 200 printable ASCII characters, no space, no +`,
    );
  }
  const { journal, files = node_files } = options;
  const paths = pathsIn(options);
  await makeDirectory(paths.data, files);
  await refuseFull(paths.data, files);
  const keys = await readKeys(paths.keys);
  const readCheckpoints = async () => (keys === null ? null : readKept(paths.checkpoints, keys, files));
  try {
    // Nothing is changed before the lock is held: another process may be writing.
    await readCheckpoints();
    const { size } = await journal.open();
    const found: Found = { options, paths, files, size, kept: await readCheckpoints() };
    if (keys !== null) {
      return await laterStart(found, keys);
    }
    if (size > 0) {
      return await finishFirstStart(found);
    }
    return await firstStart(found);
  } catch (error) {
    await journal.close();
    throw asStartError(error);
  }
}

async function makeDirectory(data: string, files: FileSystem): Promise<void> {
  try {
    await makeDirectories(data, files);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(
      "start.directory",
      `The data directory ${data} can't be made: ${why}. Give a directory that this user can write.`,
      error,
    );
  }
}

/** A log that cannot be written stops everything: better now than after the first verdicts. */
async function refuseFull(data: string, files: FileSystem): Promise<void> {
  const { bavail, bsize } = await files.statfs(data);
  if (bavail * bsize < limits.free_bytes) {
    throw new StartError(
      "start.directory",
      `The disk of ${data} has ${bavail * bsize} bytes left; a start wants ${limits.free_bytes}. Make room, or the log could soon not be written.`,
    );
  }
}

async function laterStart(found: Found, keys: Keys): Promise<Vault> {
  const { options, paths, size, kept } = found;
  if (size === 0) {
    const had = kept === null ? "" : `, the newest checkpoint is over ${kept.last.size} entries`;
    throw new StartError(
      "start.rollback",
      `The keys in ${paths.keys} have begun a log${had}, but its store is empty. Restore the newest backup of the store; a new log needs a data directory of its own.`,
    );
  }
  if (kept === null && options.adopt !== true) {
    throw new StartError(
      "start.no_checkpoint",
      `The store holds ${size} entries, but there is no ${checkpoints_file} in ${paths.checkpoints}, so nothing tells whether they are all. Restore it, or say where it is (KILLCORD_CHECKPOINTS); for a log that never had one, run \`killcord vault adopt\` once.`,
    );
  }
  return openLog(found, keys, false);
}

/** Entry 0 is stored, but the process ended before its keys got their place. */
async function finishFirstStart(found: Found): Promise<Vault> {
  const { paths, files, size } = found;
  const keys = size === 1 ? await readKeys(paths.new_keys) : null;
  if (keys === null) {
    throw new StartError(
      "start.keys",
      `The store holds ${size} entries, but there are no keys in ${paths.keys}. Restore them from a backup; without them nobody can go on with this log.`,
    );
  }
  const kept = await readKept(paths.checkpoints, keys, files);
  const vault = await openLog({ ...found, kept }, keys, true);
  await keepKeys(paths);
  return vault;
}

async function firstStart(found: Found): Promise<Vault> {
  const { options, paths, files } = found;
  await refuseTraces(paths, files);
  const name = nameOf(options);
  await rm(paths.new_keys, { recursive: true, force: true });
  const keys = await makeKeys(paths.new_keys, options.random);
  await syncDirectory(paths.data);
  await sealGenesis(options, keys, name);
  const vault = await openLog({ ...found, size: 1 }, keys, true);
  await keepKeys(paths);
  return vault;
}

/** An empty store where a log once was is a log that was lost, and never the place for a new one. */
async function refuseTraces(paths: Paths, files: FileSystem): Promise<void> {
  const traces = [
    join(paths.checkpoints, checkpoints_file),
    markIn(paths.checkpoints),
    join(paths.log, "checkpoint"),
  ];
  for (const trace of traces) {
    const is_there = await files.stat(trace).then(
      () => true,
      () => false,
    );
    if (is_there) {
      throw new StartError(
        "start.rollback",
        `${trace} tells of a log, but there are neither keys nor entries of it in ${paths.data}. Restore the newest backup; a new log needs a directory of its own.`,
      );
    }
  }
}

async function sealGenesis(
  options: VaultOptions,
  keys: Keys,
  name: ReturnType<typeof nameOf>,
): Promise<void> {
  const now = timeText(options.now());
  const content = genesisContent(name, keys, now, hex(options.random(16)));
  const head: ChainHead = { size: 0, entry_hash: null, signed_at: "" };
  const { entries } = chain(head, now, [prepare({ content, details: null })]);
  const key_id = keyId(spkiOf(keys.entry));
  const sealed = entries.map((entry) =>
    sealedWith(entry, name.origin, key_id, signText(keys.entry, entry.entry_hash)),
  );
  await options.journal.append({ size: 0 }, sealed).catch((error: unknown) => {
    throw new VaultPoisoned(error);
  });
}

function nameOf(options: VaultOptions) {
  const workspace_id = options.workspace_id ?? `ws_${hex(options.random(6))}`;
  const origin = options.origin ?? `killcord.local/${workspace_id}`;
  return { origin, workspace_id, heartbeat_seconds: options.heartbeat_seconds };
}

async function keepKeys(paths: Paths): Promise<void> {
  await rename(paths.new_keys, paths.keys);
  await syncDirectory(paths.data);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
