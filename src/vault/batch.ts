/**
 * The stored form of one durable write (vault-format.md, 7):
 * `0x01 | u16 count | count × ( u16 len, leaf | u32 len, content | u32 len, details )`, big-endian;
 * details of length 0 are none, or erased.
 */
import { limits } from "../limits.js";
import type { Batch, Index, StoredEntry } from "./journal.js";

const version = 0x01;
const header_bytes = 3;
const lengths_bytes = 2 + 4 + 4;

/** A stored value that is not a batch. */
export class BatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BatchError";
  }
}

/** Bytes that one entry takes in a batch. Canonical text is ASCII: characters are bytes. */
export function storedBytes(entry: { leaf: string; content: string; details: string | null }): number {
  return lengths_bytes + entry.leaf.length + entry.content.length + (entry.details?.length ?? 0);
}

/**
 * Refuses what a journal must never be given: the vault splits, so this is its caller's fault.
 *
 * @throws {RangeError} for an empty, too long, too large or gappy batch
 */
export function assertBatch(first: Index, batch: Batch): void {
  const bytes = batch.reduce((sum, entry) => sum + storedBytes(entry), header_bytes);
  if (batch.length === 0 || batch.length > limits.batch_entries || bytes > limits.batch_bytes) {
    throw new RangeError(
      `a batch of ${batch.length} entries and ${bytes} bytes; 1 to ${limits.batch_entries} and at most ${limits.batch_bytes} are allowed`,
    );
  }
  const stray = batch.find((entry, i) => entry.sequence_number !== first + i);
  if (stray !== undefined) {
    throw new RangeError(
      `entry ${stray.sequence_number} is out of order in the batch that begins at ${first}`,
    );
  }
}

/** The value under which a batch is stored. */
export function encodeBatch(batch: Batch): Buffer {
  const bytes = batch.reduce((sum, entry) => sum + storedBytes(entry), header_bytes);
  const value = Buffer.allocUnsafe(bytes);
  let at = value.writeUInt8(version, 0);
  at = value.writeUInt16BE(batch.length, at);
  for (const entry of batch) {
    at = value.writeUInt16BE(entry.leaf.length, at);
    at += value.write(entry.leaf, at, "latin1");
    at = value.writeUInt32BE(entry.content.length, at);
    at += value.write(entry.content, at, "latin1");
    at = value.writeUInt32BE(entry.details?.length ?? 0, at);
    at += value.write(entry.details ?? "", at, "latin1");
  }
  return value;
}

/**
 * Reads a stored value. Only its form is judged; the hashes in the entries say whether the bytes are
 * those that were sealed. Latin-1 gives every byte a character of its own, so no byte goes unseen.
 *
 * @throws {BatchError} when the value is not a batch
 */
export function decodeBatch(first: Index, value: Buffer): readonly StoredEntry[] {
  if (value.length < header_bytes || value[0] !== version) {
    throw new BatchError(`the batch at index ${first} is not of version ${version}`);
  }
  const count = value.readUInt16BE(1);
  if (count === 0 || count > limits.batch_entries) {
    throw new BatchError(`the batch at index ${first} claims ${count} entries`);
  }
  let at = header_bytes;
  const text = (length_bytes: 2 | 4): string => {
    const begin = at + length_bytes;
    const end = begin <= value.length ? begin + value.readUIntBE(at, length_bytes) : Number.POSITIVE_INFINITY;
    if (end > value.length) {
      throw new BatchError(`the batch at index ${first} ends in the middle of an entry`);
    }
    at = end;
    return value.toString("latin1", begin, end);
  };
  const entries: StoredEntry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push({ sequence_number: first + i, leaf: text(2), content: text(4), details: text(4) || null });
  }
  if (at !== value.length) {
    throw new BatchError(`the batch at index ${first} has ${value.length - at} bytes after its last entry`);
  }
  return entries;
}
