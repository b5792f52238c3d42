/** Reads the log of a server that is stopped, straight from its data directory. */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../limits.js";
import { nothing_new_shown } from "../vault/cosigning.js";
import { exportFiles, NoEvidence } from "../vault/evidence.js";
import { openStoreIn } from "../vault/level.js";
import { openVault } from "../vault/start.js";
import { StartError } from "../vault/start-error.js";
import type { Vault } from "../vault/vault.js";
import { readWitnessFile, type WitnessPolicy } from "../vault/witness-policy.js";
import type { Piece } from "./export-files.js";
import { CommandFailure, wrongUsage } from "./failure.js";

/** Where a stopped log is. */
export interface StoppedLog {
  readonly data: string;
  /** Where its checkpoints.log is; the data directory when absent. */
  readonly checkpoints?: string | undefined;
}

/**
 * Gives the files of an export up to the newest checkpoint, as VaultService.ExportBundle would.
 * Everything stored is checked first, and nothing is sealed: what a crash cut short stays as it is
 * until the next start.
 *
 * @param onLeftOut told how many entries no checkpoint covers yet, if there are any
 * @throws {CommandFailure} when there is no log, when a server has it open, or when it is damaged
 */
export async function* exportStopped(
  log: StoppedLog,
  session_id: string | null,
  onLeftOut: (entries: number) => void,
): AsyncGenerator<Piece> {
  const vault = await openStopped(log, true);
  try {
    // The newest that is shown: of a log with witnesses, the newest that they have signed.
    const { size } = vault.publication.published ?? vault.publication.signed;
    if (vault.head().size > size) {
      onLeftOut(vault.head().size - size);
    }
    yield* exportFiles(vault, { size, session_id });
  } catch (error) {
    if (error instanceof NoEvidence) {
      throw new CommandFailure("session_not_found", 1, error.message);
    }
    throw error;
  } finally {
    await vault.close();
  }
}

/** Reads the log of a stopped server: what is sealed and not only what a checkpoint covers. */
export async function withStopped<T>(log: StoppedLog, read: (vault: Vault) => Promise<T>): Promise<T> {
  const vault = await openStopped(log, false);
  try {
    return await read(vault);
  } finally {
    await vault.close();
  }
}

/** @param whole whether every entry is checked first: evidence is not written from what was not looked at */
async function openStopped({ data, checkpoints }: StoppedLog, whole: boolean): Promise<Vault> {
  // openVault makes a new log where there is none, and nobody wants the evidence of that.
  if (!(await isFolder(join(data, "keys")))) {
    throw new CommandFailure(
      "start.directory",
      1,
      `${data} holds no Killcord log: name the data directory of a server, e.g. --data killcord-data`,
    );
  }
  try {
    return await openVault({
      directory: data,
      checkpoints,
      whole,
      journal: openStoreIn(data).journal,
      heartbeat_seconds: limits.heartbeat_seconds,
      now: Date.now,
      random: randomBytes,
      cosigning: { ...nothing_new_shown, policy: witnessesNamed() },
    });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const running = error.code === "start.locked" ? ": leave --data out to export from a running server" : "";
    throw new CommandFailure(error.code, 1, `${error.message}${running}`);
  }
}

/** Those of the server's settings, for trust.json. */
function witnessesNamed(): WitnessPolicy | null {
  try {
    return readWitnessFile(process.env.KILLCORD_WITNESSES, process.env.KILLCORD_WITNESS_QUORUM);
  } catch (error) {
    throw wrongUsage((error as Error).message);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
