/** What is tried: all of it by `npm run mutations`, some of it by the tests. */
import type { Draft } from "../vault/verify/made.js";
import { draftsOf, exportOf, type Made, trustBytes } from "./made-export.js";
import {
  type Counts,
  flip,
  Judge,
  newCounts,
  numbersOf,
  placesInMembers,
  rearranged,
  Unnoticed,
} from "./mutations.js";

export interface Plan {
  readonly seed: number;
  /** Of the small export's bytes each so many'th is flipped; 1 flips all. */
  readonly byte_step: number;
  readonly large_entries: number;
  readonly large_flips: number;
  /** Of the large export's entries each so many'th is removed, doubled, swapped and cut at. */
  readonly entry_step: number;
}

/** Does all of it and gives the counts by what was done. @throws {Unnoticed} */
export function carryOut(plan: Plan): ReadonlyMap<string, Counts> {
  const next = numbersOf(plan.seed);
  const small = exportOf(draftsOf(20));
  const large = exportOf(draftsOf(plan.large_entries));
  const counts = new Map([
    ["bytes of an export of 20 entries", flipAll(small, plan.byte_step, next)],
    [`bytes of an export of ${large.size} entries`, flipDrawn(large, plan.large_flips, next)],
    ["entries of the small export rearranged", rearrange(small, 1)],
    ["entries of the large export rearranged", rearrange(large, plan.entry_step)],
    ["history written anew with the real keys", rewrite(small)],
  ]);
  const unnamed = [...counts.values()].flatMap((each) => [...each.unnamed]);
  const strange = unnamed.filter((code) => !placeless.has(code));
  if (strange.length > 0) {
    throw new Unnoticed(`another entry was blamed by ${strange.join(", ")}`);
  }
  return counts;
}

/** The last entry's signed_at contradicts the header, which is looked at first. */
const placeless: ReadonlySet<string> = new Set(["bundle.header"]);

function flipAll(made: Made, step: number, next: () => number): Counts {
  const judge = new Judge(made, trustBytes());
  const counts = newCounts();
  for (const path of ["bundle.json", "trust.json", ...made.log.keys()]) {
    const { length } = judge.bytesOf(path);
    for (let place = 0; place < length; place += step) {
      flip(judge, made, path, place, Math.floor(next() * 8), counts);
    }
  }
  return counts;
}

function flipDrawn(made: Made, flips: number, next: () => number): Counts {
  const judge = new Judge(made, trustBytes());
  const counts = newCounts();
  for (const index of [0, Math.floor(made.size / 2), made.size - 1]) {
    for (const place of placesInMembers(made, index, next)) {
      flip(judge, made, "bundle.json", place, Math.floor(next() * 8), counts);
    }
  }
  const files = [["bundle.json", made.bundle] as const, ...made.log];
  const total = files.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  while (counts.changed < flips) {
    let place = Math.floor(next() * total);
    const file = files.find(([, bytes]) => {
      const inside = place < bytes.length;
      place -= inside ? 0 : bytes.length;
      return inside;
    });
    flip(judge, made, file?.[0] as string, place, Math.floor(next() * 8), counts);
  }
  return counts;
}

function rearrange(made: Made, step: number): Counts {
  const judge = new Judge(made, trustBytes());
  const counts = newCounts();
  for (const { what, bundle, index } of rearranged(made, step)) {
    const entry = index === null ? null : { line: -1, index };
    // Without log/, which would tell as well: the bundle has to be enough.
    judge.count(counts, what, judge.judge({ bundle, log: null }), entry);
  }
  return counts;
}

/** Whoever has every key of the log writes it anew from an entry on; what others kept tells. */
function rewrite(made: Made): Counts {
  const counts = newCounts();
  const judge = new Judge(made, trustBytes());
  const kept = { size: made.size, root: made.root };
  for (let i = 1; i < made.size; i++) {
    const drafts = draftsOf(made.size).map((draft, index): Draft => {
      return index === i ? { ...draft, request_id: "another" } : draft;
    });
    const anew = exportOf(drafts, false);
    const longer = exportOf([...drafts, ...draftsOf(made.size + 6).slice(made.size)], false);
    const alone = { witnesses: [], witness_quorum: 0 };
    for (const { bundle, log } of [anew, longer]) {
      const what = `written anew from entry ${i}`;
      judge.count(counts, `${what}, witnesses asked for`, judge.judge({ bundle, log }), null);
      const known = trustBytes({ ...alone, known_checkpoints: [kept] });
      judge.count(counts, `${what}, a checkpoint kept`, judge.judge({ bundle, log, trust: known }), null);
      // Nobody outside knows better: it verifies, and says that nobody has vouched for it.
      const report = judge.judge({ bundle, log, trust: trustBytes(alone) });
      if (report.exit !== 0 || report.witnessed.by.length > 0) {
        throw new Unnoticed(`${what}: ${report.code}, witnessed by ${report.witnessed.by}`);
      }
      judge.count(counts, `${what}, and nobody kept anything`, report, null);
    }
    const shorter = exportOf(draftsOf(i), false);
    const known = trustBytes({ ...alone, known_checkpoints: [kept] });
    const { bundle, log } = shorter;
    judge.count(counts, `cut to ${i} entries`, judge.judge({ bundle, log, trust: known }), null);
  }
  return counts;
}

/** The counts as lines of text. */
export function told(counts: ReadonlyMap<string, Counts>): string {
  const lines = [...counts].map(([what, { changed, refused, fewer, in_entries, named, codes }]) => {
    const most = [...codes].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`);
    return [
      `${what}: ${changed} changes, ${refused} refused, ${fewer} with fewer guarantees`,
      `  in entries ${in_entries}, of which ${named} named the entry`,
      `  ${most.join(", ")}`,
    ].join("\n");
  });
  return lines.join("\n");
}
