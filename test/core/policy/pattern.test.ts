import { expect } from "chai";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { PolicyError } from "../../../src/core/policy/error.js";
import { compilePattern } from "../../../src/core/policy/pattern.js";
import { instructionsOf } from "../../../src/core/policy/pattern-size.js";
import { Work } from "../../../src/core/policy/work.js";
import { limits } from "../../../src/limits.js";

const found = (source: string, text: string, work = new Work(limits.policy_work)) =>
  compilePattern(source, "/p")(text, work);

function refused(source: string): string {
  try {
    compilePattern(source, "/p");
    return "";
  } catch (error) {
    expect(error).to.be.instanceOf(PolicyError);
    return (error as PolicyError).message;
  }
}

describe("a pattern", () => {
  it("finds what RegExp finds, where both know the syntax", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      ".",
      "[ab]",
      "[^a]",
      "\\d",
      "\\w",
      "\\b",
      "a*",
      "b+",
      "(?:ab)?",
      "^",
      "$",
    );
    const source = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
    const either = fc.tuple(source, source).map(([a, b]) => `(?:${a}|${b})`);
    const text = fc
      .array(fc.constantFrom("a", "b", "1", " ", "\n"), { maxLength: 12 })
      .map((each) => each.join(""));
    fc.assert(
      fc.property(fc.oneof(source, either), text, (pattern, given) => {
        expect(found(pattern, given)).to.equal(new RegExp(pattern).test(given));
      }),
      { numRuns: 3000 },
    );
  });

  it("finds without regard to case what it finds by reading the whole text", () => {
    const piece = fc.constantFrom(
      "Ab",
      "b",
      "s",
      "(?:ab|cK)",
      "[a-c]",
      "k+",
      "s?",
      ".",
      "(a|B)",
      "\\b",
      "(?-i)A",
    );
    const source = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
    const text = fc
      .array(fc.constantFrom("a", "B", "A", "k", "K", "\u212a", "s", "\u017f", "c"), { maxLength: 10 })
      .map((each) => each.join(""));
    fc.assert(
      fc.property(source, text, (pattern, given) => {
        const expected = RE2JS.compile(`(?i)${pattern}`).test(given);
        expect(found(`(?i)${pattern}`, given), pattern).to.equal(expected);
        expect(compilePattern(pattern, "/p", true)(given, new Work(limits.policy_work)), pattern).to.equal(
          expected,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("is refused where it is none, looks around, or refers back", () => {
    for (const source of ["(", "[a", "a)(b", "(?=a)", "(?<!a)b", "(a)\\1", "a{2,1}", "*", "(?P<n", "\\pX"]) {
      expect(refused(source), source).to.include("RE2");
    }
  });

  it("is refused before it is compiled where that would take long", () => {
    const large = [
      "(?:a{100}){100}",
      `(?:${"a".repeat(900)}){1000}`,
      `${"(?:a{0,999}b)".repeat(50)}`,
      "((((x{9}){9}){9}){9}){9}",
    ];
    for (const source of large) {
      expect(refused(source), source).to.include("too large");
    }
  });

  it("has at most as many instructions as is guessed", () => {
    const piece = fc.constantFrom(
      "a",
      ".",
      "[a-c]",
      "(?:ab|c)",
      "(a)",
      "x{3}",
      "(?:ab){2,5}",
      "y?",
      "z*",
      "\\d{4}",
      "[]a]",
      "{",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const source = pieces.join("");
        const guessed = instructionsOf(source);
        // What the program has beside its pieces: a beginning, an end, and forks of its repetitions.
        const twice = 3 * guessed + 4;
        let size = 0;
        try {
          size = programSize(source);
        } catch {
          return;
        }
        expect(size, source).to.be.at.most(twice);
      }),
    );
  });

  it("comes to an end within its allowance on texts made to be hard", () => {
    let seed = 1;
    const chance = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    const of = (units: string, length: number) =>
      Array.from({ length }, () => units[Math.floor(chance() * units.length)]).join("");
    const hard: readonly (readonly [string, string])[] = [
      ["[ab]*a[ab]{200}c", `c${of("ab", 250_000)}`],
      ["(?:delete|drop).{0,60}(?:table|base)", `${of("delete drop tabl bas ", 250_000)}`],
      ["(a*)*b$|(a+a+)+c", `bc${"a".repeat(250_000)}`],
    ];
    for (const [source, text] of hard) {
      const work = new Work(20_000);
      try {
        expect(found(source, text, work)).to.equal(false);
      } catch (error) {
        expect(error, source).to.be.instanceOf(PolicyError);
      }
    }
    expect(() => found("[ab]*a[ab]{200}c", hard[0]?.[1] as string, new Work(20_000))).to.throw(PolicyError);
  });

  it("is as good as new after a text that was too hard", () => {
    const pattern = compilePattern("[ab]*a[ab]{60}c", "/p");
    const hard = `c${"ab".repeat(20_000)}${"aabab".repeat(20_000)}`;
    for (let i = 0; i < 3; i++) {
      try {
        pattern(hard, new Work(1_000));
      } catch (error) {
        expect(error).to.be.instanceOf(PolicyError);
      }
      expect(pattern(`a${"b".repeat(60)}c`, new Work(50_000))).to.equal(true);
      expect(pattern("abc", new Work(50_000))).to.equal(false);
    }
  });
});

function programSize(source: string): number {
  return RE2JS.compile(source).programSize();
}
