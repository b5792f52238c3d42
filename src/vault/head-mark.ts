/**
 * The head mark (vault-format.md, 7): where the log ended after the newest write, overwritten in place
 * and never synced. It shows a tail that was lost between two checkpoints.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { sha256 } from "./hash.js";

const mark_bytes = 48;

export interface HeadMark {
  /** Number of entries. */
  readonly size: number;
  /** Hash of the last one, hex. */
  readonly entry_hash: string;
}

/** `size u64 | entry_hash 32 bytes | first 8 bytes of SHA-256 of those 40`. */
export function encodeHeadMark({ size, entry_hash }: HeadMark): Buffer {
  const mark = Buffer.alloc(mark_bytes);
  mark.writeBigUInt64BE(BigInt(size), 0);
  mark.write(entry_hash, 8, "hex");
  mark.set(sha256(mark.subarray(0, 40)).subarray(0, 8), 40);
  return mark;
}

/** The mark that these bytes are, or null when they are none: a torn write, for example. */
export function decodeHeadMark(bytes: Buffer): HeadMark | null {
  const size = bytes.length === mark_bytes ? Number(bytes.readBigUInt64BE(0)) : 0;
  if (size === 0 || !Number.isSafeInteger(size)) {
    return null;
  }
  const mark = { size, entry_hash: bytes.subarray(8, 40).toString("hex") };
  return encodeHeadMark(mark).equals(bytes) ? mark : null;
}

/** The file of the mark, open for overwriting. */
export class HeadMarkFile {
  #file: number | null;

  constructor(path: string) {
    this.#file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  }

  /** A few microseconds: the page is in memory, and nothing is waited for. */
  write(mark: HeadMark): void {
    if (this.#file !== null) {
      writeSync(this.#file, encodeHeadMark(mark), 0, mark_bytes, 0);
    }
  }

  close(): void {
    if (this.#file !== null) {
      closeSync(this.#file);
      this.#file = null;
    }
  }
}
