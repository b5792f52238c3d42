/**
 * Plays every .story file of this folder. `REWRITE=1` writes what came instead of comparing: read
 * the difference before it is committed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { formatScript, parseScript } from "./script.js";
import { Stage } from "./stage.js";

const folder = "test/story";

describe("stories", () => {
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith(".story"))
    .sort()) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const script = parseScript(text);

    it(`${name}: ${script.claim}`, () => {
      const stage = new Stage();
      const came = script.blocks.map((block) => block.commands.flatMap((line) => stage.play(line)));
      if (process.env.REWRITE === "1") {
        writeFileSync(path, formatScript(script, came));
      } else {
        expect(formatScript(script, came)).to.equal(text);
      }
      expect(stage.faults()).to.deep.equal([]);
    });
  }
});
