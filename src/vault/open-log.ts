/** A log that is there: what it is opened with, and how its parts are joined (vault-format.md, 7). */
import { join, resolve } from "node:path";
import { limits } from "../limits.js";
import { CheckpointSigner, type SignedNote } from "./checkpoint-signer.js";
import type { Cosigning } from "./cosigning.js";
import type { FileSystem } from "./files.js";
import type { ExpectedName } from "./genesis.js";
import { HeadMarkFile } from "./head-mark.js";
import type { Journal } from "./journal.js";
import { type Kept, KeptCheckpoints } from "./kept-checkpoints.js";
import type { Keys } from "./keys.js";
import { leavesOf, openTree } from "./open-tree.js";
import { Publication } from "./publication.js";
import { markIn, reconcile } from "./reconcile.js";
import type { OnEntry } from "./scan.js";
import { Scrub } from "./scrub.js";
import { shownBeyond } from "./shown-checkpoint.js";
import { readSnapshot, Snapshots, writeSnapshot } from "./snapshot-file.js";
import { StaticLog } from "./static-log.js";
import type { TreeWriter } from "./tree-writer.js";
import { Vault } from "./vault.js";

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
  /** Is given every entry that is there already, in order, before openVault resolves; no snapshot is used then. */
  readonly onEntry?: OnEntry | undefined;
  /** Signs the first checkpoint of a log that has none, after all of it was checked. */
  readonly adopt?: boolean | undefined;
  /** Reads all of the store, also where a snapshot would spare it. */
  readonly whole?: boolean | undefined;
  /** Asks witnesses; absent when there are none. */
  readonly cosigning?: Cosigning | undefined;
  /** Told of what is no reason not to start, and of what cannot be proven therefore. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Told once when the log cannot be published: the process must exit. */
  readonly onPoisoned?: ((error: Error) => void) | undefined;
  /** How long after the log has grown a checkpoint is begun; limits.ts when absent. */
  readonly checkpoint_ms?: number | undefined;
  /** Entries after a snapshot that make the next one worth while; limits.ts when absent. */
  readonly snapshot_entries?: number | undefined;
  /** In how long all old entries are read again; limits.ts when absent. */
  readonly scrub_ms?: number | undefined;
  /** The machine's own when absent. */
  readonly files?: FileSystem | undefined;
}

export type Paths = ReturnType<typeof pathsIn>;

/** Where the parts of a vault lie. */
export function pathsIn({ directory, checkpoints }: VaultOptions) {
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
export interface Found {
  readonly options: VaultOptions;
  readonly paths: Paths;
  readonly files: FileSystem;
  /** Entries in the store. */
  readonly size: number;
  readonly kept: Kept | null;
}

/** Steps 3 to 6: what is there is checked, and what is shown of it is put in order. */
export async function openLog(found: Found, keys: Keys, created: boolean): Promise<Vault> {
  const { options, paths, files, size, kept } = found;
  const { journal, onWarning = () => {}, onEntry } = options;
  const mark = markIn(paths.checkpoints);
  const log = new StaticLog(paths.log, files);
  const shown = await shownBeyond(log, keys, kept?.last ?? null);
  if (shown !== null && kept !== null) {
    onWarning(
      `checkpoints.log ends with a checkpoint over ${kept.last.size} entries, and one over ${shown.size} was signed, as ${paths.log} shows: it was cut, or is an older copy. The store is held against the one that is shown, which is then kept again`,
    );
  }
  const last = shown ?? kept?.last ?? null;
  const expected = {
    ...{ journal, size, keys, name: options, last, mark, files, onWarning },
    onEntry: onEntry ?? (() => {}),
    snapshot: onEntry === undefined && !options.whole ? await readSnapshot(paths.data, files) : null,
  };
  const read = await reconcile(expected);
  const signer = new CheckpointSigner(read.genesis.origin, keys, kept === null ? null : last);
  const tree = await openTree({ log, journal, size: last?.size ?? 0, ...read });
  const checkpoints = await openCheckpoints(found, shown, signer, tree);
  const head = { size, entry_hash: read.last.entry_hash, signed_at: read.last.signed_at };
  const end = new HeadMarkFile(mark);
  end.write(head);
  const vault = new Vault({
    ...{ journal, keys, head, created },
    genesis: read.genesis,
    mark: end,
    now: options.now,
    random: options.random,
    witnesses: options.cosigning?.policy ?? null,
    onPoisoned: options.onPoisoned ?? (() => {}),
    snapshots: new Snapshots({
      found: read.snapshot,
      apart: options.snapshot_entries ?? limits.snapshot_entries,
      write: async (edge, state) => {
        // A start reads nothing below a snapshot: a write-ahead file must not lose anything there.
        await journal.settle?.();
        return writeSnapshot(paths.data, edge, state, files);
      },
      checkAll: async () => {
        await reconcile({ ...expected, snapshot: null });
      },
    }),
    scrub: new Scrub({
      ...{ journal, log },
      signed: () => checkpoints.last,
      pass_ms: options.scrub_ms ?? limits.scrub_ms,
    }),
    publication: (onFailed) =>
      new Publication({
        ...{ log, tree, signer, size, onFailed },
        kept: checkpoints,
        leaves: (from, to) => leavesOf(journal, from, to),
        cosigning: options.cosigning ?? null,
        checkpoint_ms: options.checkpoint_ms ?? limits.checkpoint_ms,
      }),
  });
  return vault.shown();
}

/**
 * checkpoints.log; begun with a first checkpoint over all that is there where there is none.
 *
 * @param shown a checkpoint that it lacks
 */
async function openCheckpoints(
  { options, paths, files, size, kept }: Found,
  shown: SignedNote | null,
  signer: CheckpointSigner,
  tree: TreeWriter,
): Promise<KeptCheckpoints> {
  if (kept !== null) {
    const checkpoints = await KeptCheckpoints.resume(kept, files);
    if (shown !== null) {
      await checkpoints.append(shown);
    }
    return checkpoints;
  }
  await tree.add(leavesOf(options.journal, tree.size, size));
  const first = signer.sign(size, await tree.finish(), []);
  return KeptCheckpoints.begin(paths.checkpoints, first, files);
}
