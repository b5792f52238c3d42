/** What a checkpoint's note says: origin, size and root in three lines (vault-format.md, 6). */
import { fromBase64, toBase64 } from "./encoding.js";
import { isOrigin } from "./entry.js";
import { hash_bytes } from "./merkle.js";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** The text of a checkpoint's note, as it is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The checkpoint that a note's text spells, or null. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const match = /^([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n$/u.exec(text);
  const [, origin = "", digits = "", encoded = ""] = match ?? [];
  const size = Number(digits);
  const root = fromBase64(encoded);
  if (match === null || !isOrigin(origin) || !Number.isSafeInteger(size)) {
    return null;
  }
  return root === null || root.length !== hash_bytes ? null : { origin, size, root };
}
