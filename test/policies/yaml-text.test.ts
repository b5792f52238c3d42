/** YAML becomes JSON with places, and what is hostile or has no word in JSON is refused. */
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { depthOf } from "../../src/policies/yaml-depth.js";
import { readYaml } from "../../src/policies/yaml-text.js";

/** `line:column message` of each fault. */
function faultsIn(text: string): readonly string[] {
  return readYaml(text).faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

function valuesIn(text: string): readonly unknown[] {
  const { documents, faults } = readYaml(text);
  expect(faults).to.deep.equal([]);
  return documents.map(({ value }) => value);
}

describe("a YAML text", () => {
  it("gives the value of each document, and passes over comments", () => {
    expect(valuesIn("# one\na: 1\n---\nb: [x, 2.5, true, null, '08:30']\n---\n# nothing\n")).to.deep.equal([
      { a: 1 },
      { b: ["x", 2.5, true, null, "08:30"] },
    ]);
  });

  it("reads no, on, dates and times of day as the texts that they are", () => {
    expect(valuesIn("a: no\nb: on\nc: 2026-11-28\nd: 08:30\n")).to.deep.equal([
      { a: "no", b: "on", c: "2026-11-28", d: "08:30" },
    ]);
  });

  it("knows where a member and an item stand, and of what is missing where it would", () => {
    const [document] = readYaml("a:\n  - x\n  - b: 1\n    c/d: 2\n").documents;
    expect(document?.place("/a")).to.deep.equal({ line: 1, column: 1 });
    expect(document?.place("/a/1/c~1d")).to.deep.equal({ line: 4, column: 5 });
    expect(document?.place("/a/1/missing")).to.deep.equal({ line: 3, column: 5 });
    expect(document?.place("/nothing")).to.deep.equal({ line: 1, column: 1 });
  });

  it("is refused where it is no YAML, with the place", () => {
    expect(faultsIn("a: [1, 2\nb: 3\n")[0]).to.match(/^2:1 /);
    expect(faultsIn("- a\nb: 1\n")[0]).to.match(/^2:1 /);
  });

  it("is refused for two keys alike, where the second stands", () => {
    expect(faultsIn("a: 1\nb: 2\na: 3\n")).to.deep.equal(['3:1 "a" stands here twice']);
  });

  it("is refused for anchors, aliases and merges", () => {
    expect(faultsIn("a: &x [1]\nb: *x\n")).to.deep.equal([
      "1:7 anchors are not taken: write the value out where it is needed",
      "2:4 aliases are not taken: write the value out",
    ]);
    expect(valuesIn("<<: {a: 1}\n")).to.deep.equal([{ "<<": { a: 1 } }]);
  });

  it("unfolds no bomb of aliases", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 20; i += 1) {
      const [one, two] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)];
      bomb.push(`${two}: &${two} [${Array(9).fill(`*${one}`).join(",")}]`);
    }
    const { documents, faults } = readYaml(bomb.join("\n"));
    expect(documents).to.have.length(0);
    expect(faults.length).to.be.within(1, limits.issues_listed);
  });

  it("is refused for tags that make something else of a value", () => {
    expect(faultsIn("a: !!binary aGk=\n")[0]).to.match(/^1:/);
    expect(faultsIn("a: !own 1\n")[0]).to.match(/^1:/);
    expect(faultsIn("a: !!set {x, y}\n")[0]).to.match(/^1:/);
    expect(valuesIn("a: !!str 1\n")).to.deep.equal([{ a: "1" }]);
  });

  it("is refused for keys that are no text, and for __proto__", () => {
    expect(faultsIn("1: a\n")).to.deep.equal(["1:1 expected a name, as text"]);
    expect(faultsIn("? [a]\n: b\n")).to.deep.equal(["1:3 expected a name, as text"]);
    expect(faultsIn("a:\n  __proto__: {b: 1}\n")).to.deep.equal(["2:3 expected a name, as text"]);
  });

  it("is refused for numbers without an end", () => {
    expect(faultsIn("a: .inf\nb: .nan\nc: 1e999\n")).to.have.length(3);
  });

  for (const [name, text] of Object.entries({
    "[ within [": "[".repeat(100_000),
    "{ within {": "{a: ".repeat(60_000),
    "lists in one line": `${"- ".repeat(100_000)}a`,
    "keys in one line": "? ".repeat(100_000),
    "[ that close again": "[".repeat(5_000) + "]".repeat(5_000),
    "a column more a line": Array.from({ length: 600 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    "lists and members a column more a line": Array.from(
      { length: 600 },
      (_, i) => `${" ".repeat(i)}${i % 2 === 0 ? "a:" : "-"}`,
    ).join("\n"),
  })) {
    it(`is refused before it is parsed when it nests without end: ${name}`, () => {
      expect(faultsIn(text)).to.deep.equal(["1:1 too many containers within each other"]);
    });
  }

  it("may nest as deep as policies need, with brackets in texts counted by nobody", () => {
    const deep = `a: ${"[".repeat(24)}1${"]".repeat(24)}\n`;
    expect(faultsIn(deep)).to.deep.equal([]);
    const patterns = Array.from({ length: 300 }, () => `  - "[[{("\n  - '[{'\n  - a[[b\n`).join("");
    expect(faultsIn(`patterns:\n${patterns}`)).to.deep.equal([]);
    expect(depthOf("text: |\n  [[[[[[[[\n  {{{{{{\n")).to.be.below(8);
  });

  it("names many faults, but not without end", () => {
    expect(faultsIn("a: &x 1\n".repeat(5_000))).to.have.length(limits.issues_listed);
  });
});
