import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Draft } from "../../src/vault/chain.js";
import { openLevel } from "../../src/vault/level.js";
import type { VaultOptions } from "../../src/vault/open-log.js";
import { openVault } from "../../src/vault/start.js";
import { StartError } from "../../src/vault/start-error.js";
import type { Vault } from "../../src/vault/vault.js";
import { MemoryJournal } from "../journal/memory.js";

export const origin = "vault.example.com/acme";
export const noon = Date.UTC(2026, 10, 22, 12);
export const noon_text = "2026-11-22T12:00:00.000Z";

const made: string[] = [];

/** A new empty directory, gone after the test that asked for it. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "killcord-vault-"));
  made.push(directory);
  return directory;
}

/** Removes the directories of the test that ends. */
export async function removeScratch(): Promise<void> {
  for (const directory of made.splice(0)) {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Options of a vault whose clock stands at noon. */
export function vaultOptions(directory: string, more: Partial<VaultOptions> = {}): VaultOptions {
  return {
    directory,
    origin,
    heartbeat_seconds: 60,
    journal: new MemoryJournal(),
    now: () => noon,
    random: randomBytes,
    checkpoint_ms: 5,
    ...more,
  };
}

/** Opens a vault in LevelDB, as the program does. */
export function openStored(directory: string, more: Partial<VaultOptions> = {}): Promise<Vault> {
  const { journal } = openLevel(join(directory, "store"));
  return openVault(vaultOptions(directory, { journal, ...more }));
}

/** Something to seal; with details if a text for them is given. */
export function draft(note: string, details: string | null = null, at: string = noon_text): Draft {
  const details_digest = details === null ? null : createHash("sha256").update(details).digest("hex");
  const actor = { key_id: null, role: "system" };
  return {
    content: { event: "notice", at, actor, _salt: "0".repeat(32), kind: note, details_digest },
    details,
  };
}

export function drafts(count: number): readonly Draft[] {
  return Array.from({ length: count }, (_, i) => draft(`note ${i}`));
}

/** The refusal that a start ends with; fails when it opens. */
export async function refusedStart(open: () => Promise<Vault>): Promise<StartError> {
  let vault: Vault;
  try {
    vault = await open();
  } catch (error) {
    if (error instanceof StartError) {
      return error;
    }
    throw error;
  }
  await vault.close();
  throw new Error(`the vault opened with ${vault.head().size} entries, a refusal was expected`);
}

/** Publishes everything that is sealed; gives the size of the checkpoint. */
export async function published(vault: Vault): Promise<number> {
  vault.publish();
  const covering = await vault.publication.covering(vault.head().size - 1, 20_000);
  return covering?.size ?? Number.NaN;
}
