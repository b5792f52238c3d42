/** Checkpoints that callers ask for, or wait for. */
import { limits } from "../limits.js";
import type { Published } from "../vault/publication.js";
import type { Context } from "./context.js";
import { KillcordError } from "./errors.js";

/** @throws {KillcordError} unavailable: there is none that witnesses have signed */
export function newest({ vault }: Context): Published {
  const { published } = vault.publication;
  if (published === null) {
    throw new KillcordError("unavailable", "no checkpoint of this log is published yet", {
      retry_after_ms: limits.checkpoint_ms,
    });
  }
  return published;
}

/** @throws {KillcordError} checkpoint_not_found: none was signed at this size */
export async function checkpointAt({ vault }: Context, size: number): Promise<Published> {
  const note = await vault.publication.checkpointAt(size);
  if (note === null) {
    throw new KillcordError("checkpoint_not_found", `no checkpoint of this log is at ${size} entries`);
  }
  return { size, note };
}

/** @throws {KillcordError} unavailable: none covers the entry yet, or nothing is published any more */
export async function covering({ vault }: Context, sequence_number: number): Promise<Published> {
  const published = await vault.publication
    .covering(sequence_number, limits.receipt_wait_ms)
    .catch((cause: unknown) => {
      throw new KillcordError("unavailable", "the log is not published any more: retry", {
        retry_after_ms: 1000,
        cause,
      });
    });
  if (published === null) {
    throw new KillcordError("unavailable", "no checkpoint covers this entry yet: retry", {
      retry_after_ms: 1000,
    });
  }
  return published;
}
