/**
 * What can be made again is made again (`killcord vault repair`): the files of the static log, from
 * the entries. Entries cannot be: tiles hold their hashes and entry bundles their leaves, but what
 * they say is in the store alone; a damaged store is put back from a copy.
 */

import { join, resolve } from "node:path";
import { type CheckReport, checkVault } from "./check.js";
import { nothing_new_shown } from "./cosigning.js";
import { node_files } from "./files.js";
import { noticeOf } from "./notice.js";
import type { VaultOptions } from "./open-log.js";
import { renderTree } from "./open-tree.js";
import { openVault } from "./start.js";
import { StaticLog } from "./static-log.js";
import { timeText } from "./time.js";

export interface RepairOptions extends Omit<VaultOptions, "journal"> {
  /** A journal of the store, not opened yet; asked for each time that it is read. */
  readonly journal: () => VaultOptions["journal"];
}

/**
 * Checks everything, writes the files of the static log anew where one is missing or wrong, and seals
 * that it did. Nothing is sealed when nothing was wrong.
 *
 * @returns what was found before
 * @throws {StartError} when the entries or the checkpoints are not what they were: nothing was changed
 */
export async function repairVault(options: RepairOptions): Promise<CheckReport> {
  const { directory, checkpoints, journal } = options;
  const found = await checkVault({ directory, checkpoints, journal: journal() });
  const { missing, different, newest_checkpoint } = found;
  if (missing.length === 0 && different.length === 0) {
    return found;
  }
  const store = journal();
  await store.open();
  try {
    await renderTree(new StaticLog(join(resolve(directory), "log"), node_files), store, newest_checkpoint);
  } finally {
    await store.close();
  }
  const vault = await openVault({ ...options, cosigning: nothing_new_shown, journal: journal() });
  try {
    // Not before what is sealed already.
    const at = timeText(Math.max(options.now(), Date.parse(vault.head().signed_at)));
    const body = {
      missing_files: missing.length,
      different_files: different.length,
      log_size: newest_checkpoint,
    };
    await vault.seal([noticeOf("vault_repaired", body, at, options.random)]);
  } finally {
    await vault.close();
  }
  return found;
}
