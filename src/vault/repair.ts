/**
 * What can be made again is made again (`killcord vault repair`): the files of the static log from the
 * entries, and leaves of entries from the static log. What an entry says is in the store alone; where
 * that is damaged, the store is put back from a copy.
 */
import { join, resolve } from "node:path";
import { type CheckReport, checkVault } from "./check.js";
import { nothing_new_shown } from "./cosigning.js";
import { node_files } from "./files.js";
import type { MendableJournal } from "./journal.js";
import { readKept } from "./kept-checkpoints.js";
import { readKeys } from "./keys.js";
import { type Leaves, lostLeaves, mended } from "./lost-leaves.js";
import { noticeOf } from "./notice.js";
import type { VaultOptions } from "./open-log.js";
import { renderTree } from "./open-tree.js";
import { asStartError } from "./scan.js";
import { openVault } from "./start.js";
import { StaticLog } from "./static-log.js";
import { timeText } from "./time.js";

export interface RepairOptions extends Omit<VaultOptions, "journal"> {
  /** A journal of the store, not opened yet; asked for each time that it is read. */
  readonly journal: () => MendableJournal;
}

/** What was found, and what was put back beside the files of the static log. */
export interface RepairReport extends CheckReport {
  /** Indexes of entries whose leaf was taken from the static log. */
  readonly restored_leaves: readonly number[];
}

/**
 * Checks everything, restores what can be, and seals that it did. Nothing is sealed when nothing was
 * wrong.
 *
 * @returns what was found before, but for the leaves that are restored
 * @throws {StartError} when the entries or the checkpoints are not what they were: nothing was changed
 */
export async function repairVault(options: RepairOptions): Promise<RepairReport> {
  const { directory, checkpoints, journal } = options;
  const log = new StaticLog(join(resolve(directory), "log"), node_files);
  const lost = await findLost(options, log);
  const found = await checkVault({ directory, checkpoints, journal: mended(journal(), lost) });
  const report = { ...found, restored_leaves: [...lost.keys()] };
  const bad_files = found.missing.length + found.different.length;
  if (bad_files + lost.size === 0) {
    return report;
  }
  const store = journal();
  await store.open();
  try {
    for (const [index, leaf] of lost) {
      await store.replaceLeaf(index, leaf);
    }
    if (bad_files > 0) {
      await renderTree(log, store, found.newest_checkpoint);
    }
  } finally {
    await store.close();
  }
  await sealRepair(options, report);
  return report;
}

/** What the static log still has of leaves that the store has lost. */
async function findLost(options: RepairOptions, log: StaticLog): Promise<Leaves> {
  const data = resolve(options.directory);
  const keys = await readKeys(join(data, "keys"));
  const kept = keys && (await readKept(resolve(options.checkpoints ?? data), keys, node_files));
  if (kept === null) {
    return new Map();
  }
  const store = options.journal();
  try {
    await store.open();
    return await lostLeaves(store, log, kept.last.size);
  } catch (error) {
    throw asStartError(error);
  } finally {
    await store.close();
  }
}

async function sealRepair(options: RepairOptions, found: RepairReport): Promise<void> {
  const journal = options.journal();
  const vault = await openVault({ ...options, cosigning: nothing_new_shown, journal });
  try {
    // Not before what is sealed already.
    const at = timeText(Math.max(options.now(), Date.parse(vault.head().signed_at)));
    const body = {
      missing_files: found.missing.length,
      different_files: found.different.length,
      restored_leaves: found.restored_leaves.length,
      log_size: found.newest_checkpoint,
    };
    await vault.seal([noticeOf("vault_repaired", body, at, options.random)]);
  } finally {
    await vault.close();
  }
}
