/** The rules of docs/architecture.md and of the house, held over every file of the repository. */
import { expect } from "chai";
import { type File, repositoryFiles } from "./tidy/file.js";
import { rules } from "./tidy/rules.js";

describe("tidy", () => {
  let files: readonly File[];

  before(() => {
    files = repositoryFiles();
  });

  for (const [title, group] of Object.entries(rules)) {
    describe(title, () => {
      for (const [claim, rule] of Object.entries(group)) {
        it(claim, () => {
          expect(rule(files).join("\n")).to.equal("");
        });
      }
    });
  }
});
