/** A rule that finds nothing may be blind: each is shown files that break it, and files that don't. */
import { expect } from "chai";
import { examples } from "./examples.js";
import { rules } from "./rules.js";

describe("tidy/rules", () => {
  for (const group of Object.values(rules)) {
    for (const [claim, rule] of Object.entries(group)) {
      it(`finds what breaks the claim "${claim}", and nothing else`, () => {
        const shown = examples[claim] ?? [];
        expect(shown, "examples").to.not.have.length(0);
        for (const { bad, finding, good } of shown) {
          expect(rule(bad).join("\n")).to.contain(finding);
          expect(good.length === 0 ? [] : rule(good)).to.deep.equal([]);
        }
      });
    }
  }
});
