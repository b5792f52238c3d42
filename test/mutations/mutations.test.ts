import { expect } from "chai";
import { draftsOf, exportOf, trustBytes } from "./made-export.js";
import { Judge, newCounts, rearranged, Unnoticed } from "./mutations.js";
import { carryOut, told } from "./plan.js";

describe("a changed export", () => {
  it("is refused with the first bad entry named, or claims less; all of it by npm run mutations", () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`      seed ${seed}`);
    const counts = carryOut({ seed, byte_step: 97, large_entries: 270, large_flips: 150, entry_step: 90 });
    console.log(told(counts).replace(/^/gm, "      "));
    for (const [what, { changed, refused, fewer }] of counts) {
      expect(changed, what).to.be.above(10);
      expect(refused + fewer, what).to.equal(changed);
    }
    // Two for each entry: the same length and a longer one, which nobody outside can contradict.
    const { fewer } = counts.get("history written anew with the real keys") ?? {};
    expect(fewer).to.equal(38);
  }).timeout(120_000);

  it("that claims the same is a failure of this test", () => {
    const made = exportOf(draftsOf(5));
    const judge = new Judge(made, trustBytes());
    expect(() => judge.count(newCounts(), "nothing", judge.judge({}), null)).to.throw(Unnoticed);
    expect([...rearranged(made, 1)]).to.have.length(5 + 5 + 4 + 4 + 4);
  });
});
