import { join } from "node:path";
import { expect } from "chai";
import { findingsOf } from "../../../src/vault/verify/report.js";
import { formatReport } from "../../../src/vault/verify/words.js";
import { bundleAt, bundles, judge, logAt } from "./evidence.js";
import { ended, halted, made, started } from "./made.js";

const hostile = "\u001b[2J\u009b31m\u202e";

describe("the text of a report", () => {
  it("gives what stands in the evidence no power over a terminal", () => {
    const left = judge(made([started(hostile), halted("session", hostile, 0)]));
    expect(left.code).to.equal("behaviour.no_end");
    const misfit = judge(made([started("s")]).replace('"v":1', `"v":1,"${"w".repeat(500)}":1`));
    expect(misfit.code).to.equal("entry.field");
    const good = join(bundles, "good");
    const log = new Map([...(logAt(good) ?? []), [hostile, new Uint8Array(0)] as const]);
    const more = judge(bundleAt(good), { log });
    expect(more.code).to.equal("log.unexpected");
    for (const report of [left, misfit, more]) {
      expect(formatReport(report)).to.match(/^[ -~\n]*$/);
      expect(formatReport(report)).to.have.length.below(400);
    }
  });

  it("tells sessions by status, in one order", () => {
    const report = judge(made([started("a"), started("b"), started("c"), ended("b")]));
    expect(formatReport(report)).to.contain("\nsessions: 2 active, 1 ended");
    expect(formatReport(judge(made([])))).to.contain("\nsessions: none");
  });

  it("tells of a session by its own id, whatever that is", () => {
    const { sessions } = findingsOf(judge(made([started("__proto__")])));
    expect(Object.entries(sessions)).to.deep.equal([["__proto__", { status: "active", last_index: 0 }]]);
  });
});
