/** Stage E: every entry in order, and what the later stages need to know of them (vault-format.md, 9). */
import { bytesOf } from "../encoding.js";
import { hash_bytes, leafHash } from "../merkle.js";
import type { Failure } from "./code.js";
import { chain_start, checkEntry, type Entry, type EntryContext, nextPlace } from "./entry-check.js";
import type { EntryLines } from "./layout.js";
import { type JsonObject, time } from "./shape.js";
import type { CompromisedKey } from "./trust.js";

/** What the stages after E need to know of the entries. */
export interface SignedEntries {
  readonly failures: readonly Failure[];
  /** The leaf hashes of the lines, one after the other. */
  readonly leaves: Uint8Array;
  /** The indexes that each key signed, ascending. */
  readonly signed: ReadonlyMap<string, readonly number[]>;
  /** Keys that the log itself calls compromised. */
  readonly compromised: readonly CompromisedKey[];
}

/** Checks every line; after a wrong one goes on with what it states. */
export function checkEntries(lines: EntryLines, context: EntryContext): SignedEntries {
  const failures: Failure[] = [];
  const leaves = new Uint8Array(lines.count * hash_bytes);
  const signed = new Map<string, number[]>();
  const compromised: CompromisedKey[] = [];
  let place = chain_start;
  for (let line = 0; line < lines.count; line++) {
    const value = lines.at(line);
    const checked = checkEntry(value, place, context);
    place = nextPlace(value, place);
    if ("code" in checked) {
      failures.push({ ...checked, sequence: place.expected - 1 });
      continue;
    }
    const entry = value as Entry;
    leaves.set(leafHash(bytesOf(checked.leaf), context.crypto.sha256), line * hash_bytes);
    const indexes = signed.get(entry.signature.key_id);
    if (indexes === undefined) {
      signed.set(entry.signature.key_id, [entry.sequence_number]);
    } else {
      indexes.push(entry.sequence_number);
    }
    noteCompromise(entry.content, compromised);
  }
  return { failures, leaves, signed, compromised };
}

function noteCompromise(content: JsonObject, compromised: CompromisedKey[]): void {
  const { event, key_id: lost, compromised_at } = content;
  if (event === "key_compromised" && typeof lost === "string" && time(compromised_at) === null) {
    compromised.push({ key_id: lost, compromised_at: compromised_at as string });
  }
}
