/**
 * Opening the log of a data directory, or making a new one (vault-format.md, 7). A new log is begun
 * only where nothing tells of an older one.
 */
import { rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { limits } from "../limits.js";
import { type ChainHead, chain, prepare, sealedWith } from "./chain.js";
import { CheckpointSigner } from "./checkpoint-signer.js";
import type { Cosigning } from "./cosigning.js";
import { isOrigin } from "./entry.js";
import { type FileSystem, makeDirectories, node_files, syncDirectory } from "./files.js";
import { type ExpectedName, genesisContent } from "./genesis.js";
import { HeadMarkFile } from "./head-mark.js";
import type { Journal } from "./journal.js";
import { checkpoints_file, type Kept, KeptCheckpoints, readKept } from "./kept-checkpoints.js";
import { type Keys, makeKeys, readKeys } from "./keys.js";
import { leavesOf, openTree } from "./open-tree.js";
import { Publication } from "./publication.js";
import { markIn, reconcile } from "./reconcile.js";
import { asStartError, type OnEntry } from "./scan.js";
import { Scrub } from "./scrub.js";
import { signText } from "./signature.js";
import { keyId, spkiOf } from "./signer.js";
import { StartError } from "./start-error.js";
import { StaticLog } from "./static-log.js";
import { timeText } from "./time.js";
import { Vault, VaultPoisoned } from "./vault.js";

export interface VaultOptions extends ExpectedName {
  /** The data directory, made when missing. The keys are in its `keys/`, the static log in `log/`. */
  readonly directory: string;
  /** Where checkpoints.log and the head mark are; the data directory when absent. Better: another volume. */
  readonly checkpoints?: string | undefined;
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
  /** Signs the first checkpoint of a log that has none, after all of it was checked. */
  readonly adopt?: boolean | undefined;
  /** Asks witnesses; absent when there are none. */
  readonly cosigning?: Cosigning | undefined;
  /** Told of what is no reason not to start, and of what cannot be proven therefore. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Told once when the log cannot be published: the process must exit. */
  readonly onPoisoned?: ((error: Error) => void) | undefined;
  /** How long after the log has grown a checkpoint is begun; limits.ts when absent. */
  readonly checkpoint_ms?: number | undefined;
  /** In how long all old entries are read again; limits.ts when absent. */
  readonly scrub_ms?: number | undefined;
  /** The machine's own when absent. */
  readonly files?: FileSystem | undefined;
}

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

type Paths = ReturnType<typeof pathsIn>;

function pathsIn({ directory, checkpoints }: VaultOptions) {
  const data = resolve(directory);
  return {
    data,
    keys: join(data, "keys"),
    // Keys whose log has not begun: nothing that they signed was ever acknowledged.
    new_keys: join(data, "keys.new"),
    log: join(data, "log"),
    checkpoints: checkpoints === undefined ? data : resolve(checkpoints),
  };
}

/** What a start has before it. */
interface Found {
  readonly options: VaultOptions;
  readonly paths: Paths;
  readonly files: FileSystem;
  /** Entries in the store. */
  readonly size: number;
  readonly kept: Kept | null;
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
  return open(found, keys, false);
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
  const vault = await open({ ...found, kept }, keys, true);
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
  const vault = await open({ ...found, size: 1 }, keys, true);
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

/** Steps 3 to 6: what is there is checked, and what is shown of it is put in order. */
async function open(found: Found, keys: Keys, created: boolean): Promise<Vault> {
  const { options, paths, files, size, kept } = found;
  const { journal, onWarning = () => {}, onEntry = () => {} } = options;
  const mark = markIn(paths.checkpoints);
  const last = kept?.last ?? null;
  const read = await reconcile({
    journal,
    size,
    keys,
    name: options,
    last,
    mark,
    files,
    onEntry,
    onWarning,
  });
  const signer = new CheckpointSigner(read.genesis.origin, keys, last);
  const log = new StaticLog(paths.log, files);
  const tree = await openTree({ log, journal, size: last?.size ?? 0, ...read });
  const leaves = (from: number, to: number) => leavesOf(journal, from, to);
  let checkpoints: KeptCheckpoints;
  if (kept === null) {
    await tree.add(leaves(0, size));
    const first = signer.sign(size, await tree.finish(), []);
    checkpoints = await KeptCheckpoints.begin(paths.checkpoints, first, files);
  } else {
    checkpoints = await KeptCheckpoints.resume(kept, files);
  }
  const head = { size, entry_hash: read.last.entry_hash, signed_at: read.last.signed_at };
  const end = new HeadMarkFile(mark);
  end.write(head);
  const vault = new Vault({
    journal,
    keys,
    genesis: read.genesis,
    head,
    created,
    mark: end,
    now: options.now,
    witnesses: options.cosigning?.policy ?? null,
    onPoisoned: options.onPoisoned ?? (() => {}),
    scrub: new Scrub({
      journal,
      log,
      signed: () => checkpoints.last,
      pass_ms: options.scrub_ms ?? limits.scrub_ms,
    }),
    publication: (onFailed) =>
      new Publication({
        log,
        tree,
        signer,
        kept: checkpoints,
        size,
        leaves,
        cosigning: options.cosigning ?? null,
        checkpoint_ms: options.checkpoint_ms ?? limits.checkpoint_ms,
        onFailed,
      }),
  });
  return vault.shown();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
