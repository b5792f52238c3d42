/**
 * What `log/checkpoint` tells a start. It is written after checkpoints.log, so what it shows and the
 * log's own keys have signed is in there too, unless that was cut or is an older copy.
 */
import { openSigned, type SignedNote } from "./checkpoint-signer.js";
import type { Keys } from "./keys.js";
import { noteOf, parseNote, signedText } from "./note.js";
import type { StaticLog } from "./static-log.js";

/** The log's own two lines come first. */
const own_lines = 2;

/**
 * The checkpoint that is shown, with the lines of the log's own keys alone; null when there is none of
 * theirs: what cannot be read as one is written anew, and proves nothing.
 */
export async function shownCheckpoint(log: StaticLog, keys: Keys): Promise<SignedNote | null> {
  const shown = await log.checkpoint();
  if (shown === null || parseNote(shown) === null) {
    return null;
  }
  const text = signedText(shown);
  const lines = shown.slice(text.length + 1).split(/(?<=\n)/);
  const signed = openSigned(noteOf(text, lines.slice(0, own_lines)), keys);
  return typeof signed === "string" ? null : signed;
}

/** The same where it covers more than the newest record of checkpoints.log, else null. */
export async function shownBeyond(
  log: StaticLog,
  keys: Keys,
  newest: SignedNote | null,
): Promise<SignedNote | null> {
  const shown = await shownCheckpoint(log, keys);
  const is_newer = newest === null || (shown?.origin === newest.origin && shown.size > newest.size);
  return is_newer ? shown : null;
}
