/** The programs of docs/clients.md are files of examples/, word for word; test/interop runs them. */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { blocksOf } from "./document.js";

describe("docs/clients.md", () => {
  const markdown = readFileSync("docs/clients.md", "utf8");
  /** Those of each language, in a folder of its own; those beside them belong to other pages. */
  const examples = readdirSync("examples", { recursive: true, encoding: "utf8" })
    .map((path) => `examples/${path.replaceAll("\\", "/")}`)
    .filter((path) => /^examples\/\w+\/(?!gen\/).*\.(go|m?js|py|ts)$/.test(path));

  it("shows programs that are files of examples/", () => {
    const texts = examples.map((path) => readFileSync(path, "utf8"));
    const programs = blocksOf(markdown).filter(({ kind }) => kind !== "sh");
    expect(programs.length).to.be.at.least(5);
    for (const { line, text } of programs) {
      expect(texts.includes(text), `line ${line}: the file has changed`).to.equal(true);
    }
  });

  it("names every program of examples/", () => {
    for (const path of examples) {
      expect(markdown).to.include(`(../${path})`);
    }
  });

  it("installs the generators for Go that the tests use", () => {
    const used = readFileSync("scripts/tasks/go-tool.mjs", "utf8");
    const installed = [...markdown.matchAll(/^go install (\S+)@(\S+)$/gm)];
    expect(installed.length).to.equal(2);
    for (const [, program, version] of installed) {
      expect(used).to.include(`["${program}", "${version}"]`);
    }
  });
});
