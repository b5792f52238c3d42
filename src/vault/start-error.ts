/**
 * Why a vault doesn't start (vault-format.md, 7).
 *
 * - `start.directory`: the data directory can't be created, read or written
 * - `start.keys`: the key files are missing, unsafe, malformed or not those of this log
 * - `start.locked`: another process has the store open
 * - `start.checkpoints_damaged`: checkpoints.log is not what was written
 * - `start.rollback`: the store is empty, or shorter than a checkpoint that was signed
 * - `start.no_checkpoint`: there are entries, and no checkpoints.log
 * - `start.fork`: the entries are not those that the newest checkpoint signs
 * - `start.tail_lost`: entries after the newest checkpoint are gone
 * - `start.gap`: indexes are missing
 * - `start.damaged`: what is stored is not what was sealed
 * - `start.foreign_log`: the store belongs to another log
 * - `start.behind_witness`: a witness has seen more of the log than the store has
 */
export type StartCode =
  | "start.directory"
  | "start.keys"
  | "start.locked"
  | "start.checkpoints_damaged"
  | "start.rollback"
  | "start.no_checkpoint"
  | "start.fork"
  | "start.tail_lost"
  | "start.gap"
  | "start.damaged"
  | "start.foreign_log"
  | "start.behind_witness";

/** A vault that must not be opened. The message says what was expected, what was found and what to do. */
export class StartError extends Error {
  readonly code: StartCode;

  constructor(code: StartCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StartError";
    this.code = code;
  }
}
