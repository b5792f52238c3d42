import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { findingsOf } from "../../../src/vault/verify/report.js";
import { bundleAt, bundles, judge, logAt, pinned, verdictOf } from "./evidence.js";

/** Numbers from a seed, the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const trusts = { good: pinned, "good-operations": pinned, "good-slice": pinned };
const flips = 150;

describe("a flipped bit", () => {
  for (const [name, trust] of Object.entries(trusts)) {
    it(`anywhere in the bundle of ${name} is refused, or nothing that is claimed changes`, () => {
      const folder = join(bundles, name);
      const bytes = readFileSync(join(folder, "bundle.json"));
      const log = logAt(folder);
      const claimed = findingsOf(judge(bytes, { log, trust }));
      const next = numbers(bytes.length);
      let refused = 0;
      for (let i = 0; i < flips; i++) {
        const place = Math.floor(next() * bytes.length);
        const changed = Uint8Array.from(bytes);
        changed[place] = (changed[place] as number) ^ (1 << Math.floor(next() * 8));
        const report = judge(changed, { log, trust });
        refused += report.exit === 0 ? 0 : 1;
        if (report.exit === 0) {
          expect(findingsOf(report), `byte ${place}`).to.deep.equal(claimed);
        }
      }
      // With log/ beside it even the lines of unknown witnesses are held to the published note.
      expect(refused).to.equal(flips);
    });
  }

  it("anywhere in log/ is refused", () => {
    const folder = join(bundles, "good-operations");
    const bytes = bundleAt(folder);
    const log = logAt(folder) ?? new Map<string, Uint8Array>();
    const next = numbers(7);
    for (const [path, content] of log) {
      for (let i = 0; i < 20; i++) {
        const changed = Uint8Array.from(content);
        const place = Math.floor(next() * content.length);
        changed[place] = (changed[place] as number) ^ (1 << Math.floor(next() * 8));
        expect(judge(bytes, { log: new Map([...log, [path, changed]]) }).exit, `${path} ${place}`).to.equal(
          1,
        );
      }
    }
  });

  it("is not the only thing that can be wrong with log/", () => {
    const folder = join(bundles, "good-operations");
    const log = logAt(folder) ?? new Map<string, Uint8Array>();
    const verdict = (path: string, content: Uint8Array | null) => {
      const changed = new Map(log);
      if (content === null) {
        changed.delete(path);
      } else {
        changed.set(path, content);
      }
      return verdictOf(judge(bundleAt(folder), { log: changed }));
    };
    const leaves = log.get("tile/entries/000.p/73") as Uint8Array;
    expect(verdict("checkpoint", null)).to.equal("log.missing");
    expect(verdict("tile/entries/000.p/73", Buffer.concat([leaves, Buffer.of(0)]))).to.equal(
      "leaf.mismatch 72",
    );
    expect(verdict("tile/entries/000.p/73", leaves.subarray(0, 1000))).to.equal("leaf.mismatch 1");
    expect(verdict("tile/0/000.p/73", new Uint8Array(0))).to.equal("log.tile");
    expect(verdict("tile/0/000.p/72", new Uint8Array(0))).to.equal("log.unexpected");
  });

  it("in an entry is found there, and the entry is named", () => {
    const text = readFileSync(join(bundles, "good/bundle.json"), "latin1");
    const place = text.indexOf('"reason":"manual stop"') + '"reason":"'.length;
    const changed = `${text.slice(0, place)}n${text.slice(place + 1)}`;
    expect(verdictOf(judge(changed))).to.equal("entry.content_hash 33");
    const [broken] = judge(`${text.slice(0, place)}"${text.slice(place + 1)}`).failures;
    expect(broken).to.include({ code: "bundle.layout", sequence: null });
    expect(broken?.why).to.contain("line 35 (entry 33)");
  });
});

describe("entries", () => {
  const lines = readFileSync(join(bundles, "good/bundle.json"), "latin1").slice(0, -1).split("\n");
  const [head = "", ...rest] = lines;
  const entries = rest.slice(0, -1).map((line) => line.replace(/,$/, ""));
  const count = entries.length;

  /** The bundle with other entries, and a header that agrees with them. */
  function bundleOf(shown: readonly string[]): string {
    const last = JSON.parse(shown.at(-1) as string) as { readonly signed_at: string };
    const header = head
      .replace(/"entry_count":\d+/, `"entry_count":${shown.length}`)
      .replace(/"generated_at":"[^"]+"/, `"generated_at":"${last.signed_at}"`);
    return `${header}\n${shown.join(",\n")}\n]}\n`;
  }

  it("as they are verify", () => {
    expect(verdictOf(judge(bundleOf(entries)))).to.equal("verified");
  });

  it("that are removed are missed at the next one, the last at the checkpoint", () => {
    for (let i = 0; i < count; i++) {
      const verdict = i === count - 1 ? "checkpoint.size" : `chain.gap ${i + 1}`;
      expect(verdictOf(judge(bundleOf(entries.toSpliced(i, 1))))).to.equal(verdict);
    }
  });

  it("that stand there twice are found at the second", () => {
    for (let i = 0; i < count; i++) {
      const shown = entries.toSpliced(i, 0, entries[i] as string);
      expect(verdictOf(judge(bundleOf(shown)))).to.equal(`chain.duplicate ${i}`);
    }
  });

  it("that change places are found at the first that is too early", () => {
    for (let i = 0; i + 1 < count; i++) {
      const shown = entries.toSpliced(i, 2, entries[i + 1] as string, entries[i] as string);
      expect(verdictOf(judge(bundleOf(shown)))).to.equal(`chain.gap ${i + 1}`);
    }
  });
});
