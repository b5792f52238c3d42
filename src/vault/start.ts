/**
 * Opening the log of a data directory, or making a new one (vault-format.md, 7, start steps 1 to 3;
 * the steps that need a tree and checkpoints belong here too).
 */
import { rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { ChainHead } from "./chain.js";
import { makeDirectories } from "./directory.js";
import { isOrigin, type SealedEntry } from "./entry.js";
import { type ExpectedName, genesisContent, readGenesis } from "./genesis.js";
import type { Journal } from "./journal.js";
import { type Keys, makeKeys, readKeys, syncDirectory } from "./keys.js";
import { asStartError, type OnEntry, scan } from "./scan.js";
import { StartError } from "./start-error.js";
import { timeText } from "./time.js";
import { Vault } from "./vault.js";

export interface VaultOptions extends ExpectedName {
  /** The data directory, made when missing. The keys are in its `keys/`. */
  readonly directory: string;
  /** Names the log at its first start (a name is made up when absent); later it must be this name. */
  readonly origin?: string | undefined;
  readonly workspace_id?: string | undefined;
  readonly heartbeat_seconds: number;
  /** Where entries are kept, e.g. `openLevel(…).journal`. Not opened yet; the vault closes it. */
  readonly journal: Journal;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
  /** Is given every entry that is there already, in order, before openVault resolves. */
  readonly onEntry?: OnEntry | undefined;
}

/**
 * Opens the log, or makes a new one where there are neither keys nor entries. Everything stored is
 * checked first; afterwards all of it is what was once sealed.
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
  const paths = pathsIn(resolve(options.directory));
  await makeDirectory(paths.data);
  const keys = await readKeys(paths.keys);
  const { journal } = options;
  try {
    const { size } = await journal.open();
    if (keys !== null) {
      return await laterStart(options, paths, journal, size, keys);
    }
    if (size > 0) {
      return await finishFirstStart(options, paths, journal, size);
    }
    return await firstStart(options, paths, journal);
  } catch (error) {
    await journal.close();
    throw asStartError(error);
  }
}

type Paths = ReturnType<typeof pathsIn>;

function pathsIn(data: string) {
  return {
    data,
    keys: join(data, "keys"),
    // Keys whose log has not begun: nothing that they signed was ever acknowledged.
    new_keys: join(data, "keys.new"),
  };
}

async function makeDirectory(data: string): Promise<void> {
  try {
    const first_made = await makeDirectories(data);
    if (first_made !== null) {
      await syncNames(dirname(resolve(data)), dirname(first_made));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(
      "start.directory",
      `The data directory ${data} can't be made: ${why}. Give a directory that this user can write.`,
      error,
    );
  }
}

/** Makes the names of new directories durable, from the deepest up. */
async function syncNames(from: string, to: string): Promise<void> {
  await syncDirectory(from);
  if (from !== to) {
    await syncNames(dirname(from), to);
  }
}

async function laterStart(
  options: VaultOptions,
  paths: Paths,
  journal: Journal,
  size: number,
  keys: Keys,
): Promise<Vault> {
  if (size === 0) {
    throw new StartError(
      "start.rollback",
      `The keys in ${paths.keys} have begun a log, but its store is empty. Restore the newest backup of the store; a new log needs a data directory of its own.`,
    );
  }
  return adopt(options, journal, size, keys, false);
}

/** Entry 0 is stored, but the process ended before its keys got their place. */
async function finishFirstStart(
  options: VaultOptions,
  paths: Paths,
  journal: Journal,
  size: number,
): Promise<Vault> {
  const keys = size === 1 ? await readKeys(paths.new_keys) : null;
  if (keys === null) {
    throw new StartError(
      "start.keys",
      `The store holds ${size} entries, but there are no keys in ${paths.keys}. Restore them from a backup; without them nobody can go on with this log.`,
    );
  }
  const vault = await adopt(options, journal, size, keys, true);
  await keepKeys(paths);
  return vault;
}

async function firstStart(options: VaultOptions, paths: Paths, journal: Journal): Promise<Vault> {
  const name = nameOf(options);
  await rm(paths.new_keys, { recursive: true, force: true });
  const keys = await makeKeys(paths.new_keys, options.random);
  await syncDirectory(paths.data);
  const content = genesisContent(name, keys, timeText(options.now()), hex(options.random(16)));
  const genesis = readGenesis(content, keys, name);
  const head: ChainHead = { size: 0, entry_hash: null, signed_at: "" };
  const vault = new Vault({ journal, keys, genesis, head, created: true, now: options.now });
  const [entry] = await vault.seal([{ content, details: null }]);
  options.onEntry?.(entry as SealedEntry, content);
  await keepKeys(paths);
  return vault;
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

async function adopt(
  options: VaultOptions,
  journal: Journal,
  size: number,
  keys: Keys,
  created: boolean,
): Promise<Vault> {
  const onEntry = options.onEntry ?? (() => {});
  const { genesis, last } = await scan(journal, size, keys, options, onEntry);
  const head = { size, entry_hash: last.entry_hash, signed_at: last.signed_at };
  return new Vault({ journal, keys, genesis, head, created, now: options.now });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
