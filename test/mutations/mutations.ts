/**
 * Changes an export in every way that somebody might, and tells what the verifier made of each.
 * One change at a time, taken back before the next: memory does not grow with their number.
 */
import { node_crypto } from "../../src/vault/node-crypto.js";
import { findingsOf, type Report } from "../../src/vault/verify/report.js";
import { verify } from "../../src/vault/verify.js";
import type { VerifyCrypto } from "../../src/vault/verify-crypto.js";
import type { Made } from "./made-export.js";

/** What was changed and how that ended. */
export interface Counts {
  changed: number;
  refused: number;
  /** Accepted with less shown than before. */
  fewer: number;
  /** Of those in entries: how many named the entry that was changed. */
  in_entries: number;
  named: number;
  /** The codes of those that did not. */
  readonly unnamed: Set<string>;
  /** Findings by their codes. */
  readonly codes: Map<string, number>;
}

export function newCounts(): Counts {
  return { changed: 0, refused: 0, fewer: 0, in_entries: 0, named: 0, unnamed: new Set(), codes: new Map() };
}

/** A change that went unnoticed, or was blamed on another entry. */
export class Unnoticed extends Error {}

/** Numbers from 0 to below 1 out of a seed, the same in every run. */
export function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Judges versions of one export. */
export class Judge {
  readonly #made: Made;
  readonly #trust: Uint8Array;
  readonly #crypto: VerifyCrypto;
  readonly #claimed: string;

  constructor(made: Made, trust: Uint8Array) {
    this.#made = made;
    this.#trust = trust;
    // Signatures of the export as it is are checked once; every other is checked anew, and not kept.
    const good = new Set<string>();
    const nameOf = (...parts: readonly Uint8Array[]) =>
      parts.map((bytes) => Buffer.from(bytes).toString("latin1")).join("|");
    let learning = true;
    this.#crypto = {
      ...node_crypto,
      verifyP256: (...asked) => {
        const name = nameOf(...asked);
        const holds = good.has(name) || node_crypto.verifyP256(...asked);
        if (learning && holds) {
          good.add(name);
        }
        return holds;
      },
    };
    const report = this.judge({});
    learning = false;
    if (report.exit !== 0) {
      throw new Error(`the export itself is refused: ${JSON.stringify(report.failures[0])}`);
    }
    this.#claimed = JSON.stringify(findingsOf(report));
  }

  /** The bytes of a file of the export, which are judged as they are at that moment. */
  bytesOf(path: string): Uint8Array {
    const given = { "bundle.json": this.#made.bundle, "trust.json": this.#trust }[path];
    return given ?? (this.#made.log.get(path) as Uint8Array);
  }

  judge(more: {
    readonly bundle?: Uint8Array;
    readonly log?: ReadonlyMap<string, Uint8Array> | null;
    readonly trust?: Uint8Array;
  }): Report {
    const { bundle = this.#made.bundle, log = this.#made.log, trust = this.#trust } = more;
    return verify({ bundle, log }, trust, { trust_given: true, crypto: this.#crypto });
  }

  /**
   * Counts how a change ended.
   *
   * @param entry the line of the bundle that was changed and its entry, when it was one
   * @throws {Unnoticed}
   */
  count(counts: Counts, what: string, report: Report, entry: { line: number; index: number } | null): void {
    counts.changed++;
    if (report.exit === 0) {
      if (JSON.stringify(findingsOf(report)) === this.#claimed) {
        throw new Unnoticed(`${what}: the same was claimed as before`);
      }
      counts.fewer++;
      return;
    }
    counts.refused++;
    const [first] = report.failures;
    counts.codes.set(`${report.code}`, (counts.codes.get(`${report.code}`) ?? 0) + 1);
    if (entry !== null) {
      counts.in_entries++;
      const named = first?.sequence === entry.index || first?.why.includes(`line ${entry.line} `) === true;
      counts.named += named ? 1 : 0;
      if (!named) {
        counts.unnamed.add(`${report.code}`);
      }
    }
  }
}

/** Flips one bit of a file and judges; the byte is as it was afterwards. */
export function flip(
  judge: Judge,
  made: Made,
  path: string,
  place: number,
  bit: number,
  counts: Counts,
): void {
  const bytes = judge.bytesOf(path);
  const before = bytes[place] as number;
  const entry = path === "bundle.json" ? entryAt(made, place) : null;
  bytes[place] = before ^ (1 << bit);
  try {
    judge.count(counts, `${path} byte ${place} bit ${bit}`, judge.judge({}), entry);
  } finally {
    bytes[place] = before;
  }
}

/** The entry that has to be named when a byte of the bundle is changed, with its line counted from 1. */
function entryAt({ bundle, size }: Made, place: number): { line: number; index: number } | null {
  let line = 1;
  let start = 0;
  for (let end = bundle.indexOf(0x0a); end >= 0 && end < place; end = bundle.indexOf(0x0a, start)) {
    line++;
    start = end + 1;
  }
  const text = Buffer.from(bundle.subarray(start, bundle.indexOf(0x0a, start))).toString("latin1");
  const number = [...text.matchAll(/"sequence_number":[0-9]+/g)].at(-1);
  const begin = start + (number?.index ?? 0);
  // An entry whose index is changed is named by what it says that it is; a newline belongs to two lines.
  const is_number = number !== undefined && place >= begin && place < begin + number[0].length;
  const is_entry = line > 1 && line <= size + 1 && bundle[place] !== 0x0a && !is_number;
  return is_entry ? { line, index: line - 2 } : null;
}

/** One byte in the value of every member, also of nested ones, of the entry at an index. */
export function placesInMembers(made: Made, index: number, next: () => number): readonly number[] {
  const text = Buffer.from(made.bundle).toString("latin1");
  const lines = text.split("\n");
  const line = lines[index + 1] as string;
  const start = lines.slice(0, index + 1).reduce((length, each) => length + each.length + 1, 0);
  return [...line.matchAll(/"[a-z0-9_]+":("[^"]*"|[0-9]+|null|\{|\[)/g)].map((match) => {
    const value = match[1] as string;
    const begin = (match.index as number) + match[0].length - value.length;
    return start + begin + Math.floor(next() * value.length);
  });
}

/** The bundle with other entry lines, and a header that agrees with them. */
export function withLines(made: Made, change: (lines: string[]) => string[]): Uint8Array {
  const [head = "", ...rest] = Buffer.from(made.bundle).toString("latin1").split("\n");
  const lines = change(rest.slice(0, -2).map((line) => line.replace(/,$/, "")));
  const last = JSON.parse(lines.at(-1) as string) as { readonly signed_at: string };
  const header = head
    .replace(/"entry_count":\d+/, `"entry_count":${lines.length}`)
    .replace(/"generated_at":"[^"]+"/, `"generated_at":"${last.signed_at}"`);
  return Buffer.from(`${header}\n${lines.join(",\n")}\n]}\n`, "latin1");
}

/** Each entry removed, doubled and swapped with the next; every tail and every head cut off. */
export function* rearranged(
  made: Made,
  step: number,
): Generator<{ readonly what: string; readonly bundle: Uint8Array; readonly index: number | null }> {
  for (let i = 0; i < made.size; i += step) {
    const at = `entry ${i}`;
    if (made.size > 1) {
      // The next entry is the first one that stands wrong; behind the last there is none.
      const next = i + 1 < made.size ? i + 1 : null;
      yield { what: `${at} removed`, bundle: withLines(made, (lines) => lines.toSpliced(i, 1)), index: next };
    }
    const doubled = withLines(made, (lines) => lines.toSpliced(i, 0, lines[i] as string));
    yield { what: `${at} doubled`, bundle: doubled, index: i };
    if (i + 1 < made.size) {
      const swapped = (lines: string[]) => lines.toSpliced(i, 2, lines[i + 1] as string, lines[i] as string);
      yield { what: `${at} swapped`, bundle: withLines(made, swapped), index: i + 1 };
      const tail = withLines(made, (lines) => lines.slice(0, i + 1));
      yield { what: `tail cut behind ${at}`, bundle: tail, index: null };
      const head = withLines(made, (lines) => lines.slice(i + 1));
      yield { what: `head cut up to ${at}`, bundle: head, index: i + 1 };
    }
  }
}
