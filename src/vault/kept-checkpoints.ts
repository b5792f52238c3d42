/**
 * checkpoints.log (vault-format.md, 6 and 7): every checkpoint that was signed, appended and synced
 * before anybody sees it, outside the database. A record is `<decimal length>\n<note>`. Full files are
 * followed by numbered ones, each of which begins with a copy of the record before.
 */
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../limits.js";
import { openSigned, type SignedNote, sameCheckpoint } from "./checkpoint-signer.js";
import { type FileSystem, makeDirectories, placeFile, readIfThere, syncDirectory } from "./files.js";
import type { Keys } from "./keys.js";
import { parseNote } from "./note.js";
import { StartError } from "./start-error.js";

export const checkpoints_file = "checkpoints.log";

/** More than the length, the origin and the size of a record take. */
const first_record_bytes = 512;
/** Digits of a record's length. */
const record_digits_max = 6;

function nameOf(number: number): string {
  return number === 0 ? checkpoints_file : `checkpoints.${number}.log`;
}

/** What checkpoints.log holds, as far as a start reads it. */
export interface Kept {
  readonly directory: string;
  /** Of the newest file: 0 is checkpoints.log itself. */
  readonly number: number;
  /** Bytes of whole records in the newest file, and of one that was cut short behind them. */
  readonly bytes: number;
  readonly torn_bytes: number;
  readonly last: SignedNote;
  /** Those whose signatures were checked in the newest file, oldest first; `last` is the last of them. */
  readonly checked: readonly SignedNote[];
}

/**
 * Reads the newest file of checkpoints.log, or null when there is none. Changes nothing.
 *
 * @param all reads every file and checks every signature, not those of the newest records alone
 * @throws {StartError} `start.checkpoints_damaged`
 */
export async function readKept(
  directory: string,
  keys: Keys,
  files: FileSystem,
  all = false,
): Promise<Kept | null> {
  const number = await newestNumber(directory, files);
  if (number === null) {
    return null;
  }
  let before: SignedNote | null = null;
  for (let earlier = all ? 0 : number; earlier < number; earlier++) {
    const kept: FileRecords = await readFile(join(directory, nameOf(earlier)), keys, files, before, all);
    if (kept.torn_bytes > 0) {
      throw damaged(
        join(directory, nameOf(earlier)),
        "its last record is cut short, and another file follows",
      );
    }
    before = kept.last;
  }
  const newest = await readFile(join(directory, nameOf(number)), keys, files, before, all);
  return { directory, number, ...newest };
}

async function newestNumber(directory: string, files: FileSystem): Promise<number | null> {
  let names: readonly string[];
  try {
    names = await files.readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return null;
    }
    throw error;
  }
  const numbers = names.flatMap((name) => {
    const match = /^checkpoints(?:\.([1-9][0-9]*))?\.log$/.exec(name);
    return match === null ? [] : [Number(match[1] ?? 0)];
  });
  numbers.sort((a, b) => a - b);
  const stray = numbers.findIndex((number, i) => number !== i);
  if (stray >= 0) {
    throw damaged(join(directory, nameOf(stray)), "it is missing, and later ones are there");
  }
  return numbers.length === 0 ? null : numbers.length - 1;
}

type FileRecords = Pick<Kept, "bytes" | "torn_bytes" | "last" | "checked">;

async function readFile(
  path: string,
  keys: Keys,
  files: FileSystem,
  before: SignedNote | null,
  all: boolean,
): Promise<FileRecords> {
  const bytes = await files.readFile(path);
  const { notes, end } = recordsIn(bytes, path);
  if (notes.length === 0) {
    throw damaged(path, "it holds no checkpoint");
  }
  let last = before;
  const checked: SignedNote[] = [];
  const checked_from = all ? 0 : Math.max(0, notes.length - limits.checkpoints_checked_at_start);
  for (const note of notes.slice(checked_from)) {
    const signed = openSigned(note, keys);
    if (signed === "other keys signed it") {
      throw otherKeys(path);
    }
    if (typeof signed === "string") {
      throw damaged(path, `of one of its records: ${signed}`);
    }
    const is_copy = last === before && before !== null && sameCheckpoint(signed, before);
    if (last !== null && !is_copy && (signed.size <= last.size || signed.origin !== last.origin)) {
      throw damaged(path, `a checkpoint at ${signed.size} follows one at ${last.size}`);
    }
    last = signed;
    checked.push(signed);
  }
  return { bytes: end, torn_bytes: bytes.length - end, last: last as SignedNote, checked };
}

/** Cuts a file into its records. What is incomplete at its end was never acknowledged. */
function recordsIn(bytes: Buffer, path: string): { readonly notes: readonly string[]; readonly end: number } {
  const notes: string[] = [];
  let end = 0;
  while (end < bytes.length) {
    const newline = bytes.indexOf(0x0a, end);
    const digits = bytes.toString("latin1", end, newline < 0 ? bytes.length : newline);
    if (!/^[1-9][0-9]{0,5}$/.test(digits)) {
      throw damaged(path, `at byte ${end} the length of a record was expected`);
    }
    const next = newline + 1 + Number(digits);
    if (newline < 0 || next > bytes.length) {
      const rest = newline < 0 ? null : parseNote(bytes.subarray(newline + 1));
      if (rest !== null && rest.lines.length > 1) {
        throw damaged(path, `the record at byte ${end} is whole, but its length is not ${digits}`);
      }
      break;
    }
    notes.push(bytes.toString("utf8", newline + 1, next));
    end = next;
  }
  return { notes, end };
}

function damaged(path: string, why: string): StartError {
  return new StartError(
    "start.checkpoints_damaged",
    `${path} is not what was written: ${why}. It says how long the log once was, so nothing is signed without it: restore it from its newest copy, and keep this one.`,
  );
}

function otherKeys(path: string): StartError {
  return new StartError(
    "start.keys",
    `A checkpoint in ${path} was expected to be signed by the two checkpoint keys of the key files; it names others. Either the key files or ${checkpoints_file} are those of another log, or were damaged: restore both from the same backup.`,
  );
}

/** checkpoints.log, open for appending. */
export class KeptCheckpoints {
  readonly directory: string;
  readonly #files: FileSystem;
  readonly #file_bytes: number;
  #number: number;
  #bytes: number;
  #last: SignedNote;
  #file: FileHandle | null = null;

  private constructor(kept: Kept, files: FileSystem, file_bytes: number) {
    this.directory = kept.directory;
    this.#number = kept.number;
    this.#bytes = kept.bytes;
    this.#last = kept.last;
    this.#files = files;
    this.#file_bytes = file_bytes;
  }

  /** The newest one. */
  get last(): SignedNote {
    return this.#last;
  }

  /** Begins checkpoints.log with its first record; durable when it resolves. */
  static async begin(
    directory: string,
    first: SignedNote,
    files: FileSystem,
    file_bytes: number = limits.checkpoints_file_bytes,
  ): Promise<KeptCheckpoints> {
    await makeDirectories(directory, files);
    const record = recordOf(first);
    await placeFile(join(directory, checkpoints_file), record, files);
    await syncDirectory(directory, files);
    const kept = { directory, number: 0, bytes: record.length, torn_bytes: 0, last: first, checked: [first] };
    return new KeptCheckpoints(kept, files, file_bytes);
  }

  /** Goes on with what was read; cuts off a record that was never whole. */
  static async resume(
    kept: Kept,
    files: FileSystem,
    file_bytes: number = limits.checkpoints_file_bytes,
  ): Promise<KeptCheckpoints> {
    if (kept.torn_bytes > 0) {
      await files.truncate(join(kept.directory, nameOf(kept.number)), kept.bytes);
    }
    return new KeptCheckpoints(kept, files, file_bytes);
  }

  /** Adds a checkpoint; durable when it resolves. When it rejects, nobody knows. */
  async append(signed: SignedNote): Promise<void> {
    const record = recordOf(signed);
    if (this.#bytes + record.length > this.#file_bytes) {
      await this.#nextFile();
    }
    this.#file ??= await this.#files.open(join(this.directory, nameOf(this.#number)), "a", 0o600);
    await this.#file.appendFile(record);
    await this.#file.sync();
    this.#bytes += record.length;
    this.#last = signed;
  }

  async #nextFile(): Promise<void> {
    await this.close();
    const copy = recordOf(this.#last);
    await placeFile(join(this.directory, nameOf(this.#number + 1)), copy, this.#files);
    await syncDirectory(this.directory, this.#files);
    this.#number += 1;
    this.#bytes = copy.length;
  }

  /** The note of a checkpoint that was kept at this size, or null. */
  async at(size: number): Promise<string | null> {
    for (let number = this.#number; number >= 0; number--) {
      const path = join(this.directory, nameOf(number));
      if ((await firstSizeIn(path, this.#files)) <= size) {
        // Sizes only grow: it is in this file or in none.
        const bytes = await readIfThere(path, this.#files);
        return bytes === null ? null : noteAt(bytes, this.#last.origin, size);
      }
    }
    return null;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}

function recordOf({ note }: SignedNote): Buffer {
  const bytes = Buffer.from(note);
  return Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]);
}

/** The size of the first record of a file; what is not there, or no record, is beyond every size. */
async function firstSizeIn(path: string, files: FileSystem): Promise<number> {
  try {
    await using file = await files.open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(first_record_bytes), 0, first_record_bytes, 0);
    const [, , size] = buffer.toString("utf8", 0, bytesRead).split("\n");
    return size === undefined ? Number.POSITIVE_INFINITY : Number(size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return Number.POSITIVE_INFINITY;
    }
    throw error;
  }
}

/** The note of a size among records, or null. Found by its first two lines, which stand nowhere else. */
function noteAt(bytes: Buffer, origin: string, size: number): string | null {
  const found = bytes.indexOf(`\n${origin}\n${size}\n`);
  const digits = bytes.toString("latin1", Math.max(0, found - record_digits_max), Math.max(0, found));
  const length = Number(/[0-9]+$/.exec(digits)?.[0]);
  // A record under way may be torn; it is newer than any that is asked for.
  return found < 0 || !(found + length < bytes.length)
    ? null
    : bytes.toString("utf8", found + 1, found + 1 + length);
}
