/** Stage E: every entry in order, and what the later stages need to know of them (vault-format.md, 9). */
import { hash_bytes } from "../merkle.js";
import type { Failure } from "./code.js";
import { type ChainPlace, checkEntry, type Entry, type EntryContext, nextPlace } from "./entry-check.js";
import { type JsonObject, time } from "./shape.js";
import type { CompromisedKey } from "./trust.js";

/** One entry line, parsed. */
export interface EntryLine {
  readonly value: unknown;
  /** The canonical text of the value when it is at hand, so that parts of it need not be written again. */
  readonly text: string | null;
}

/** What the stages after E need to know of the entries. */
export interface SignedEntries {
  readonly failures: readonly Failure[];
  /** The leaf hashes of the lines, one after the other. */
  readonly leaves: Uint8Array;
  /** Bytes of each line's canonical content. */
  readonly content_lengths: Uint32Array;
  /** The indexes that each key signed, ascending. */
  readonly signed: ReadonlyMap<string, readonly number[]>;
  /** Keys that the log itself calls compromised. */
  readonly compromised: readonly CompromisedKey[];
  /** Where the chain goes on. */
  readonly place: ChainPlace;
}

/**
 * Checks every line; after a wrong one goes on with what it states.
 *
 * @param place where the first of them has to stand
 */
export function checkEntries(
  lines: Iterable<EntryLine>,
  count: number,
  context: EntryContext,
  place: ChainPlace,
): SignedEntries {
  const failures: Failure[] = [];
  const leaves = new Uint8Array(count * hash_bytes);
  const content_lengths = new Uint32Array(count);
  const signed = new Map<string, number[]>();
  const compromised: CompromisedKey[] = [];
  let next = place;
  let line = 0;
  for (const { value, text } of lines) {
    const checked = checkEntry(value, next, context, text);
    next = nextPlace(value, next);
    if ("code" in checked) {
      failures.push({ ...checked, sequence: next.expected - 1 });
    } else {
      const entry = value as Entry;
      // As leafHash has it: a zero byte before the leaf.
      leaves.set(context.crypto.sha256Text(`\0${checked.leaf}`), line * hash_bytes);
      content_lengths[line] = checked.content_length;
      noteSigner(entry, signed);
      noteCompromise(entry.content, compromised);
    }
    line++;
  }
  return { failures, leaves, content_lengths, signed, compromised, place: next };
}

function noteSigner({ signature, sequence_number }: Entry, signed: Map<string, number[]>): void {
  const indexes = signed.get(signature.key_id);
  if (indexes === undefined) {
    signed.set(signature.key_id, [sequence_number]);
  } else {
    indexes.push(sequence_number);
  }
}

function noteCompromise(content: JsonObject, compromised: CompromisedKey[]): void {
  const { event, key_id: lost, compromised_at } = content;
  if (event === "key_compromised" && typeof lost === "string" && time(compromised_at) === null) {
    compromised.push({ key_id: lost, compromised_at: compromised_at as string });
  }
}
