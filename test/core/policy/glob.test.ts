import { expect } from "chai";
import fc from "fast-check";
import { matches } from "../../../src/core/policy/glob.js";

/** The same by trying every split: slow and plain. */
function slowly(pattern: string, text: string): boolean {
  if (pattern === "") {
    return text === "";
  }
  if (pattern[0] === "*") {
    return slowly(pattern.slice(1), text) || (text !== "" && slowly(pattern, text.slice(1)));
  }
  return pattern[0] === text[0] && slowly(pattern.slice(1), text.slice(1));
}

describe("a glob", () => {
  it("describes what a slow search says that it does", () => {
    const of = (units: string, maxLength: number) =>
      fc.array(fc.constantFrom(...units), { maxLength }).map((each) => each.join(""));
    fc.assert(
      fc.property(of("ab*", 8), of("ab", 10), (pattern, text) => {
        expect(matches(pattern, text)).to.equal(slowly(pattern, text));
      }),
      { numRuns: 20_000 },
    );
  });

  it("takes no character but the star for more than itself", () => {
    expect(matches("a.c", "abc")).to.equal(false);
    expect(matches("a?", "ab")).to.equal(false);
    expect(matches("[ab]", "a")).to.equal(false);
  });

  it("does not hang on many stars", () => {
    expect(matches("*a".repeat(60), "a".repeat(59))).to.equal(false);
    expect(matches("*a".repeat(128), `${"a".repeat(4000)}b`)).to.equal(false);
  });
});
