/**
 * What one piece of a full bundle shows by itself: layout, stage E and contents. Most of the work of a
 * verification is here, and pieces do not need each other: what joins them is looked at afterwards.
 */
import { contentFault } from "./content-check.js";
import type { Piece } from "./cut.js";
import { checkEntries, type EntryLine } from "./entries.js";
import { type ChainPlace, chain_start, type Entry, type EntryContext } from "./entry-check.js";
import { entryIn, isEnd, lineStarts, lineText } from "./layout.js";
import { isObject } from "./shape.js";
import type { CompromisedKey } from "./trust.js";

/** A line that is not as it should be. */
export interface Misfit {
  /** How many lines of the piece stand above it. */
  readonly line: number;
  readonly text: string;
  readonly is_end: boolean;
}

export interface CheckedPiece {
  /** Entry lines. */
  readonly count: number;
  readonly misfit: Misfit | null;
  /** What the last entry states. */
  readonly last_signed_at: unknown;
  /** Null when something is wrong, or may be: then the lines are judged one by one, in their place. */
  readonly sound: SoundPiece | null;
}

/** Entries of which each is right by itself and follows the one before it. */
export interface SoundPiece {
  readonly first: {
    readonly sequence_number: number;
    readonly previous_hash: string | null;
    readonly signed_at: string;
    readonly key_id: string;
    readonly at: string;
  };
  /** Where the chain goes on behind it. */
  readonly next: ChainPlace;
  /** Leaf hashes, one after the other. */
  readonly leaves: Uint8Array;
  /** Which key signs from which line on. */
  readonly signers: readonly { readonly key_id: string; readonly line: number }[];
  readonly compromised: readonly CompromisedKey[];
  /** Where the content of each line begins and ends in the piece: two numbers a line. */
  readonly contents: Uint32Array;
  /** 1 for a line with details. */
  readonly details: Uint8Array;
}

// The content stands first in its line.
const before_content = '{"content":'.length;

/**
 * Looks through a piece.
 *
 * @param context null when only the layout is asked for, as stages before E have failed
 */
export function checkPiece({ bytes, final }: Piece, context: EntryContext | null): CheckedPiece {
  const starts = lineStarts(bytes);
  const rows = starts.length - 1;
  const count = final ? rows - 1 : rows;
  const row = (i: number) => lineText(bytes, starts[i] as number, (starts[i + 1] as number) - 1);
  const lines: EntryLine[] = [];
  for (let i = 0; i < count; i++) {
    const line = entryIn(row(i), !final || i + 1 < count);
    if (line === null) {
      return { count, misfit: { line: i, text: row(i), is_end: false }, last_signed_at: null, sound: null };
    }
    lines.push(line);
  }
  const last = lines.at(-1)?.value;
  return {
    count,
    misfit: final && !isEnd(row(count)) ? { line: count, text: "", is_end: true } : null,
    last_signed_at: isObject(last) ? last.signed_at : null,
    sound: context === null ? null : soundPiece(lines, starts, context),
  };
}

function soundPiece(
  lines: readonly EntryLine[],
  starts: readonly number[],
  context: EntryContext,
): SoundPiece | null {
  const [opening] = lines;
  if (opening === undefined) {
    return null;
  }
  const checked = checkEntries(lines, lines.length, context, placeOf(opening.value));
  const { failures, leaves, content_lengths, compromised, place } = checked;
  if (failures.length > 0 || !contentsFit(lines)) {
    return null;
  }
  const contents = new Uint32Array(2 * lines.length);
  const details = new Uint8Array(lines.length);
  const signers: { key_id: string; line: number }[] = [];
  for (const [i, { value }] of lines.entries()) {
    const entry = value as Entry;
    const begin = (starts[i] as number) + before_content;
    contents[2 * i] = begin;
    contents[2 * i + 1] = begin + (content_lengths[i] as number);
    details[i] = entry.details === undefined ? 0 : 1;
    if (signers.at(-1)?.key_id !== entry.signature.key_id) {
      signers.push({ key_id: entry.signature.key_id, line: i });
    }
  }
  const { sequence_number, previous_hash, signed_at, signature, content } = opening.value as Entry;
  const { key_id } = signature;
  const first = { sequence_number, previous_hash, signed_at, key_id, at: content.at as string };
  return { first, next: place, leaves, signers, compromised, contents, details };
}

/** The place that an entry claims by itself. */
function placeOf(value: unknown): ChainPlace {
  const { sequence_number, signature } = isObject(value) ? value : {};
  const key_id = isObject(signature) ? signature.key_id : null;
  return {
    ...chain_start,
    expected: typeof sequence_number === "number" ? sequence_number : 0,
    key_id: typeof key_id === "string" ? key_id : null,
  };
}

function contentsFit(lines: readonly EntryLine[]): boolean {
  let last_at = "";
  return lines.every(({ value }) => {
    const fits = contentFault(value as Entry, last_at) === null;
    last_at = (value as Entry).content.at as string;
    return fits;
  });
}
