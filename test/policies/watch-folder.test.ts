import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { watchFolder } from "../../src/policies/watch-folder.js";
import { freshFolder } from "../server/served.js";

const bounds = { settle_ms: 10, check_ms: 3_600_000 };

describe("a directory that is watched", () => {
  let end = () => {};
  afterEach(() => end());

  /** Watches a directory, lets something happen to it at once, and waits until that is told. */
  async function toldOf(directory: string, happens: () => void): Promise<void> {
    let told = () => {};
    const is_told = new Promise<void>((resolve) => {
      told = resolve;
    });
    end = await watchFolder(directory, told, bounds);
    happens();
    await is_told;
  }

  it("tells of what changes at once, though the system does not listen yet: the directory is not there", async () => {
    const directory = join(freshFolder(), "policies");
    await toldOf(directory, () => {
      mkdirSync(directory);
      writeFileSync(join(directory, "a.yaml"), "name: a");
    });
  });

  it("tells of a file that was there already when that is another", async () => {
    const directory = freshFolder();
    writeFileSync(join(directory, "a.yaml"), "name: a");
    await toldOf(directory, () => writeFileSync(join(directory, "a.yaml"), "name: other"));
  });
});
