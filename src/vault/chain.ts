/** From drafts to the unsigned entries that follow a head (vault-format.md, 2 to 4). */
import { limits } from "../limits.js";
import { canonical, type Json } from "./canonical.js";
import { envelopeOf, hashedLine, type Link, leafOf, type SealedEntry } from "./entry.js";
import { sha256Hex } from "./hash.js";
import { isTime } from "./time.js";

/** What somebody wants sealed. */
export interface Draft {
  /** Has at least `event`, `at`, `actor` and `_salt`; `details_digest` exactly if there are details. */
  readonly content: { readonly [member: string]: Json };
  /** Canonical details, see details.ts. */
  readonly details: string | null;
}

/** A draft that was checked and has its bytes. */
export interface Prepared {
  readonly at: string;
  readonly content: string;
  readonly details: string | null;
}

/** Where the log ends. Before entry 0 there is neither hash nor time. */
export interface ChainHead {
  readonly size: number;
  readonly entry_hash: string | null;
  readonly signed_at: string;
}

export interface ChainedEntry {
  readonly link: Link;
  readonly entry_hash: string;
  readonly prepared: Prepared;
}

/** Entries that have their places in the log, and are being signed. */
export interface Staged {
  readonly entries: readonly ChainedEntry[];
  readonly signatures: Promise<readonly string[]>;
  /** The same, as soon as they are there: then nothing has to wait for a promise's turn. */
  signed: readonly string[] | null;
  /** Where the log ends with them. */
  readonly head: ChainHead;
  /** Whether they are the last of their command: only then may a checkpoint follow. */
  readonly ends: boolean;
}

/**
 * Checks a draft and writes its content. The doors keep such drafts away; here is the last place
 * where one can be refused, for once it is sealed no start would accept the log again.
 *
 * @throws {CanonicalError} when the content has no canonical text, or one that is too long
 * @throws {RangeError} for any other fault of the draft
 */
export function prepare(draft: Draft): Prepared {
  const { at, _salt, details_digest } = draft.content;
  const { details } = draft;
  if (typeof at !== "string" || !isTime(at) || typeof _salt !== "string") {
    throw new RangeError("content to be sealed needs _salt and a time in `at`");
  }
  if (details !== null && !/^[ -~]+$/.test(details)) {
    throw new RangeError("details to be sealed are not canonical text");
  }
  if ((details_digest ?? null) !== (details === null ? null : sha256Hex(details))) {
    throw new RangeError("details_digest is not that of the details");
  }
  const content = canonical(draft.content, limits.entry_bytes - (details?.length ?? 0));
  return { at, content, details };
}

/** Chains entries to a head. `clock` is the time of signing; times in the log never go back. */
export function chain(
  head: ChainHead,
  clock: string,
  group: readonly Prepared[],
): { readonly entries: readonly ChainedEntry[]; readonly head: ChainHead } {
  const entries: ChainedEntry[] = [];
  let end = head;
  for (const prepared of group) {
    const link: Link = {
      sequence_number: end.size,
      previous_hash: end.entry_hash,
      content_hash: sha256Hex(prepared.content),
      signed_at: [clock, end.signed_at, prepared.at].reduce((a, b) => (a > b ? a : b)),
    };
    const entry_hash = sha256Hex(hashedLine(link));
    entries.push({ link, entry_hash, prepared });
    end = { size: end.size + 1, entry_hash, signed_at: link.signed_at };
  }
  return { entries, head: end };
}

/** A chained entry with its signature (DER, base64) by an entry key: what is stored. */
export function sealedWith(
  { link, entry_hash, prepared }: ChainedEntry,
  origin: string,
  key_id: string,
  signature: string,
): SealedEntry {
  const { sequence_number, signed_at } = link;
  const envelope = envelopeOf(origin, link, entry_hash, key_id, signature);
  const { content, details } = prepared;
  const { entry_id } = envelope;
  return { sequence_number, leaf: leafOf(envelope), content, details, entry_id, entry_hash, signed_at };
}

/**
 * More than what an entry takes in a write. The leaf is not signed yet; it has at most so many bytes,
 * and the lengths in front take a few.
 */
export function storedBytesMax({ content, details }: Prepared): number {
  return content.length + (details?.length ?? 0) + limits.leaf_bytes + 16;
}

/** Cuts drafts into groups that fit one durable write each. */
export function split(prepared: readonly Prepared[]): readonly (readonly Prepared[])[] {
  const groups: Prepared[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of prepared) {
    const more = storedBytesMax(one);
    const group = groups.at(-1);
    if (group === undefined || group.length === limits.batch_entries || bytes + more > limits.batch_bytes) {
      groups.push([one]);
      bytes = 16 + more;
    } else {
      group.push(one);
      bytes += more;
    }
  }
  return groups;
}
