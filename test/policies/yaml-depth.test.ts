/** The depth that is told of a text before it is parsed is never below the one that the parser finds. */
import { expect } from "chai";
import { array, assert, constantFrom, integer, jsonValue, property } from "fast-check";
import { isMap, isPair, isSeq, parseAllDocuments, stringify } from "yaml";
import { depthOf } from "../../src/policies/yaml-depth.js";

/** Containers within each other, also where the text has faults. */
function parsedDepth(text: string): number {
  const parsed = parseAllDocuments(text, { logLevel: "silent", prettyErrors: false, uniqueKeys: false });
  return Math.max(0, ...("empty" in parsed ? [] : parsed.map(({ contents }) => depthIn(contents))));
}

function depthIn(node: unknown): number {
  if (isPair(node)) {
    return Math.max(depthIn(node.key), depthIn(node.value));
  }
  return isMap(node) || isSeq(node) ? 1 + Math.max(0, ...node.items.map(depthIn)) : 0;
}

const pieces = [
  "[",
  "]",
  "{",
  "}",
  "- ",
  "? ",
  ": ",
  "a: ",
  "a",
  "\n",
  "\n ",
  "\n  ",
  " ",
  ",",
  '"',
  "'",
  "|\n",
  "#",
  "---\n",
  "\t",
];

describe("the depth of a YAML text", () => {
  it("is no less than that of what it says, in any style", () => {
    assert(
      property(jsonValue({ maxDepth: 12 }), integer({ min: 1, max: 6 }), (value, indent) => {
        for (const collectionStyle of ["block", "flow", "any"] as const) {
          const text = stringify(value, { indent, collectionStyle });
          expect(depthOf(text), text).to.be.at.least(parsedDepth(text));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is no less than what the parser makes of any text", () => {
    assert(
      property(array(constantFrom(...pieces), { maxLength: 40 }), (parts) => {
        const text = parts.join("");
        expect(depthOf(text), JSON.stringify(text)).to.be.at.least(parsedDepth(text));
      }),
      { numRuns: 3_000 },
    );
  });
});
