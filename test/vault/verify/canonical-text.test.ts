import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { canonical } from "../../../src/vault/canonical.js";
import { isPlainCanonical } from "../../../src/vault/verify/canonical-text.js";

const depth = 34;

/** What writing the value again says. */
function isCanonical(text: string): boolean {
  try {
    return canonical(JSON.parse(text), text.length, depth) === text;
  } catch {
    return false;
  }
}

const key = fc.oneof(
  fc.constantFrom("a", "b", "aa", "a b", "a!", "", "10", "9", "__proto__", "é", '"'),
  fc.string(),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false, 0, -1, 1e15, 2 ** 53 - 1, "", "x", "é", "\\", "\u007f"),
    fc.integer(),
    fc.string(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

describe("the quick look at a canonical text", () => {
  it("never takes what writing again refuses, however a text is changed", () => {
    const characters = fc.constantFrom(...'{}[],:"\\-+.0123456789eE truefalsn\n\u0000\u007fé');
    const change = fc.record({
      place: fc.nat(),
      cut: fc.nat(3),
      put: fc.array(characters, { maxLength: 3 }),
    });
    let taken = 0;
    fc.assert(
      fc.property(value, fc.array(change, { maxLength: 3 }), (made, changes) => {
        let text = JSON.stringify(made);
        try {
          text = canonical(made);
        } catch {
          // Not canonical to begin with, as with __proto__.
        }
        for (const { place, cut, put } of changes) {
          const at = place % (text.length + 1);
          text = text.slice(0, at) + put.join("") + text.slice(at + cut);
        }
        if (isPlainCanonical(text, depth)) {
          taken++;
          expect(isCanonical(text), text).to.equal(true);
        }
      }),
      { numRuns: 5000 },
    );
    expect(taken).to.be.above(500);
  });

  it("takes whatever is plain", () => {
    for (const text of ["{}", "[]", '{"a":[1,-2,{"b":null}],"aa":"x y","b":true}', "0", '""', "false"]) {
      expect(isPlainCanonical(text, depth), text).to.equal(true);
    }
    const lines = readFileSync("test/vectors/vault/bundles/good/bundle.json", "latin1")
      .split("\n")
      .slice(1, -2);
    for (const line of lines.map((each) => each.replace(/,$/, ""))) {
      expect(isPlainCanonical(line, depth)).to.equal(isCanonical(line) && !line.includes("\\"));
    }
  });

  it("takes nothing that is no text of one value, or that is nested too deep", () => {
    const wrong = [
      "",
      " ",
      "{",
      '{"a"}',
      '{"a":}',
      "[1,]",
      "[,1]",
      "01",
      "-0",
      "-",
      "1.0",
      "1e3",
      "tru",
      '"',
      "{}{}",
    ];
    const order = [
      '{"b":1,"a":1}',
      '{"a":1,"a":1}',
      '{"__proto__":1}',
      '{"10":1,"1":2}',
      '{"a":1,}',
      "[1}",
      '{"a":1]',
    ];
    for (const text of [...wrong, ...order, '"\u007f"', '"\\u007f"', "9007199254740992", '"é"']) {
      expect(isPlainCanonical(text, depth), text).to.equal(false);
    }
    expect(isPlainCanonical("[".repeat(depth) + "]".repeat(depth), depth)).to.equal(true);
    expect(isPlainCanonical("[".repeat(depth + 1) + "]".repeat(depth + 1), depth)).to.equal(false);
  });
});
