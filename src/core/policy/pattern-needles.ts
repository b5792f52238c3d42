/**
 * Words that a text must have for a pattern without regard to case to be in it. Most texts lack them, and
 * to look for a word takes a fiftieth of what reading does. re2js does the same where case counts.
 */
import { RE2JS } from "re2js";
import type { Work } from "./work.js";

/** Kinds of what re2js finds that a text needs. */
const exact = 1;
const all_of = 2;
const one_of = 3;

/** What re2js finds that a text needs: parts of it that it does not promise; where they differ, nothing is left out. */
interface Needed {
  readonly type?: unknown;
  readonly str?: unknown;
  readonly subs?: readonly Needed[];
}

/** Whether a text may have a match; false only when it has none. */
export type Needles = (text: string, work: Work) => boolean;

/**
 * @param source the expression without its `(?i)`
 * @returns null where every text has to be read
 */
export function needlesOf(source: string): Needles | null {
  const { re2Input } = RE2JS.compile(source) as unknown as {
    readonly re2Input?: { readonly prefilter?: Needed | null };
  };
  const test = testOf(re2Input?.prefilter ?? null);
  if (test === null) {
    return null;
  }
  return (text, work) => {
    const lower = foldedOf(text, work);
    return lower === null || test(lower);
  };
}

type Test = (lower: string) => boolean;

function testOf(needed: Needed | null): Test | null {
  const { type, str, subs = [] } = needed ?? {};
  if (type === exact && typeof str === "string" && isAscii(str)) {
    const word = str.toLowerCase();
    return (lower) => lower.includes(word);
  }
  const tests = subs.map(testOf);
  if (type === all_of) {
    const known = tests.filter((test) => test !== null);
    return known.length === 0 ? null : (lower) => known.every((test) => test(lower));
  }
  if (type === one_of && tests.length > 0 && !tests.includes(null)) {
    return (lower) => tests.some((test) => (test as Test)(lower));
  }
  return null;
}

/**
 * A text in lower case; null for one that has more than ASCII: there, case has exceptions.
 *
 * @param work of the decision whose text it is: a decision has one
 */
function foldedOf(text: string, work: Work): string | null {
  if (work.folded === undefined) {
    work.folded = isAscii(text) ? text.toLowerCase() : null;
  }
  return work.folded;
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
  return /^[\x00-\x7f]*$/.test(text);
}
