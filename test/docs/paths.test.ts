/** What the documents name is there: files, folders and scripts of this repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";

const pages = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith(".md"),
);
const top = "src|test|docs|proto|gen|bench|examples|scripts|third_party";

describe("the files that documents name", () => {
  for (const page of pages) {
    const text = readFileSync(page, "utf8");

    it(`are there: ${page}`, () => {
      const named = [...text.matchAll(new RegExp(`\`((?:${top})/[\\w./-]*)\``, "g"))].map(([, path]) => path);
      expect(named.filter((path) => !existsSync(path ?? ""))).to.deep.equal([]);
    });

    it(`are scripts of package.json: ${page}`, () => {
      const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
      const named = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name);
      expect(named.filter((name) => !Object.hasOwn(scripts, name ?? ""))).to.deep.equal([]);
    });
  }
});
