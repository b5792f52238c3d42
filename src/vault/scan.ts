/**
 * Reading the whole log at start (vault-format.md, 7, start step 3): nothing is believed because it
 * was stored. Every entry is read once and handed on, so that a replay needs no second pass.
 */
import type { KeyObject } from "node:crypto";
import { limits } from "../limits.js";
import { BatchError } from "./batch.js";
import {
  type Envelope,
  entryId,
  hashedLine,
  type LeafError,
  parseLeaf,
  type SealedEntry,
  sealedOf,
} from "./entry.js";
import { type ExpectedName, type Genesis, readGenesis } from "./genesis.js";
import { sha256Hex } from "./hash.js";
import type { Journal, StoredEntry } from "./journal.js";
import { type Keys, publicKeyOf } from "./keys.js";
import { verifyText } from "./signature.js";
import { keyId, spkiOf } from "./signer.js";
import { StartError } from "./start-error.js";

/** The parsed content of a sealed entry. */
export type Content = Readonly<Record<string, unknown>>;

/** What a scan goes on from: an entry, and what entry 0 says. */
export interface ScannedBefore {
  readonly genesis: Genesis;
  readonly last: SealedEntry;
}

/** Takes the entries of the log at start, in order, from index 0. */
export type OnEntry = (entry: SealedEntry, content: Content) => void;

const advice = "Keep the directory as it is and restore the newest backup.";

/**
 * Reads and checks entries 0 to size - 1: every hash, and the signatures of the last entry and of those
 * from `trusted` on.
 *
 * @param after where to go on instead of at the beginning
 * @param trusted entries below it are vouched for by a checkpoint, whose root the caller compares
 * @throws {StartError} at the first entry that is not what was sealed
 */
export async function scan(
  journal: Journal,
  size: number,
  keys: Keys,
  expected_name: ExpectedName,
  onEntry: OnEntry,
  trusted = 0,
  after: ScannedBefore | null = null,
): Promise<{ readonly genesis: Genesis; readonly last: SealedEntry }> {
  const signatures = new SignatureChecks(publicKeyOf(keys.entry));
  let genesis: Genesis | null = after?.genesis ?? null;
  let last: SealedEntry | null = after?.last ?? null;
  const from = last === null ? 0 : last.sequence_number + 1;
  try {
    for await (const stored of journal.read(from, size - from)) {
      const expected: number = last === null ? 0 : last.sequence_number + 1;
      if (stored.sequence_number !== expected) {
        throw gap(expected, `the store goes on with ${stored.sequence_number}`);
      }
      const leaf = checkLeaf(stored, last, genesis?.origin ?? null);
      const content = contentOf(stored);
      checkDetails(stored, content);
      genesis ??= readGenesis(content, keys, expected_name);
      if (leaf.log !== genesis.origin) {
        throw damaged(expected, `it names the log ${leaf.log}, its content ${genesis.origin}`);
      }
      if (expected >= trusted || expected === size - 1) {
        await signatures.add(leaf);
      }
      last = sealedOf(stored, leaf);
      onEntry(last, content);
    }
  } finally {
    await signatures.end();
  }
  if (last === null || genesis === null || last.sequence_number !== size - 1) {
    throw gap((last?.sequence_number ?? -1) + 1, `the store ends, though ${size} entries were announced`);
  }
  return { genesis, last };
}

/**
 * Checks one stored entry against the one before it, but for its signature.
 *
 * @throws {StartError} when it is not what was sealed
 */
export function checkEntry(stored: StoredEntry, last: SealedEntry | null, origin: string): SealedEntry {
  const leaf = checkLeaf(stored, last, origin);
  checkDetails(stored, contentOf(stored));
  return sealedOf(stored, leaf);
}

function checkLeaf(stored: StoredEntry, last: SealedEntry | null, origin: string | null): Envelope {
  const index = stored.sequence_number;
  const leaf = leafOf(stored);
  if (origin !== null && leaf.log !== origin) {
    throw new StartError(
      "start.foreign_log",
      `Entry ${index} belongs to the log ${leaf.log}, the log before it is ${origin}. ${advice}`,
    );
  }
  // What a flipped bit or a swapped entry would break, in the order in which one follows from the other.
  const must: readonly (readonly [string, string | number | null, string | number | null])[] = [
    ["sequence_number", index, leaf.sequence_number],
    ["previous_hash", last?.entry_hash ?? null, leaf.previous_hash],
    ["content_hash", sha256Hex(stored.content), leaf.content_hash],
    ["entry_hash", sha256Hex(hashedLine(leaf)), leaf.entry_hash],
    ["entry_id", entryId(index, leaf.entry_hash), leaf.entry_id],
  ];
  for (const [member, expected, found] of must) {
    if (expected !== found) {
      throw damaged(index, `${member} was expected to be ${expected}, the leaf says ${found}`);
    }
  }
  if (last !== null && leaf.signed_at < last.signed_at) {
    throw damaged(index, `it was signed at ${leaf.signed_at}, the entry before it at ${last.signed_at}`);
  }
  return leaf;
}

function leafOf(stored: StoredEntry): Envelope {
  try {
    return parseLeaf(stored.leaf);
  } catch (error) {
    throw damaged(stored.sequence_number, (error as LeafError).message);
  }
}

function contentOf(stored: StoredEntry): Content {
  try {
    const content: unknown = JSON.parse(stored.content);
    if (typeof content === "object" && content !== null) {
      return content as Content;
    }
  } catch {
    // Said below: it is no content in either case.
  }
  throw damaged(stored.sequence_number, "its content is not a JSON object");
}

function checkDetails(stored: StoredEntry, content: Content): void {
  // Details may be gone: an erasure leaves the digest and takes the text.
  if (stored.details !== null && sha256Hex(stored.details) !== content.details_digest) {
    throw damaged(stored.sequence_number, "its details are not those of details_digest");
  }
}

/** Signatures are checked on the thread pool beside the reading, some at a time. */
class SignatureChecks {
  readonly #key: KeyObject;
  readonly #key_id: string;
  #pending: Promise<StartError | null>[] = [];

  constructor(key: KeyObject) {
    this.#key = key;
    this.#key_id = keyId(spkiOf(key));
  }

  async add(leaf: Envelope): Promise<void> {
    this.#pending.push(this.#check(leaf));
    if (this.#pending.length >= limits.batch_entries) {
      await this.end();
    }
  }

  /** Waits for what was added; throws for the first that is wrong. */
  async end(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    const wrong = (await Promise.all(pending)).find((error) => error !== null);
    if (wrong) {
      throw wrong;
    }
  }

  async #check(leaf: Envelope): Promise<StartError | null> {
    const { key_id, value } = leaf.signature;
    if (key_id !== this.#key_id) {
      return damaged(leaf.sequence_number, `it names the key ${key_id}, the log's is ${this.#key_id}`);
    }
    const good = await verifyText(this.#key, leaf.entry_hash, value);
    return good ? null : damaged(leaf.sequence_number, `its signature is not that of ${key_id}`);
  }
}

function gap(expected: number, found: string): StartError {
  return new StartError("start.gap", `Entry ${expected} was expected, but ${found}. ${advice}`);
}

function damaged(index: number, why: string): StartError {
  return new StartError("start.damaged", `Entry ${index} is not what was sealed: ${why}. ${advice}`);
}

/** What a journal or a file throws while a vault is opened, as the refusal to start that it is. */
export function asStartError(error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof BatchError || code === "LEVEL_CORRUPTION") {
    return new StartError("start.damaged", `The stored log can't be read: ${why}. ${advice}`, error);
  }
  if (syscall !== undefined) {
    const must = "It must be possible to read and write the data directory, and the disk must have room.";
    return new StartError("start.directory", `${why}. ${must}`, error);
  }
  return error;
}
