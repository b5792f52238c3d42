import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { bundleAt, bundles, judge, logAt } from "./evidence.js";

interface Expected {
  readonly trust: string;
  readonly exit: number;
  readonly code: string | null;
  readonly sequence?: number | null;
  readonly why: string;
  readonly report?: Readonly<Record<string, unknown>>;
}

function judged(folder: string) {
  const expected = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as Expected;
  const trust = readFileSync(join(folder, expected.trust));
  return { expected, report: judge(bundleAt(folder), { log: logAt(folder), trust }) };
}

const good = readdirSync(bundles).filter((name) => name.startsWith("good"));
const bad = readdirSync(join(bundles, "bad"));

describe("the vectors' bundles", () => {
  it("are all there", () => {
    expect(good).to.have.length(8);
    expect(bad).to.have.length.above(100);
  });

  for (const name of good) {
    it(`${name} verifies with the report that it should have`, () => {
      const { expected, report } = judged(join(bundles, name));
      expect(report.failures).to.deep.equal([]);
      expect(report).to.deep.include({ ...expected.report, exit: 0, code: null });
    });
  }

  for (const name of bad) {
    const { expected, report } = judged(join(bundles, "bad", name));
    const place = expected.sequence == null ? "" : ` at entry ${expected.sequence}`;
    it(`${name} ends in ${expected.exit}, ${expected.code}${place}: ${expected.why}`, () => {
      expect(report).to.include({ exit: expected.exit, code: expected.code, authentic: false });
      expect(report.failures[0]).to.include({ code: expected.code, sequence: expected.sequence });
    });
  }
});
