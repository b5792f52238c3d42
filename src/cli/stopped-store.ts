/** Reads the log of a server that is stopped, straight from its data directory. */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../limits.js";
import { openStoreIn } from "../vault/level.js";
import { openVault } from "../vault/start.js";
import { StartError } from "../vault/start-error.js";
import type { Vault } from "../vault/vault.js";
import type { Piece } from "./export-files.js";
import { CommandFailure } from "./failure.js";

/**
 * Gives the files of an export, as VaultService.ExportBundle would. Everything stored is checked
 * first, and nothing is sealed: what a crash cut short stays as it is until the next start.
 *
 * @throws {CommandFailure} when there is no log, when a server has it open, or when it is damaged
 */
export async function* exportStopped(data: string): AsyncGenerator<Piece> {
  const vault = await openStopped(data);
  try {
    const encoder = new TextEncoder();
    yield { path: "trust.json", chunk: encoder.encode(vault.trust()) };
    for await (const line of vault.bundle(vault.head().size)) {
      yield { path: "bundle.json", chunk: encoder.encode(line) };
    }
  } finally {
    await vault.close();
  }
}

async function openStopped(data: string): Promise<Vault> {
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
      journal: openStoreIn(data).journal,
      heartbeat_seconds: limits.heartbeat_seconds,
      now: Date.now,
      random: randomBytes,
    });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const running = error.code === "start.locked" ? ": leave --data out to export from a running server" : "";
    throw new CommandFailure(error.code, 1, `${error.message}${running}`);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
