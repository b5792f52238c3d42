import { resolve } from "node:path";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { needsPython, typed } from "./terminal.js";

describe("killcord halt --all at a terminal", function () {
  this.timeout(30_000);
  let server: Served;

  before(async function () {
    needsPython(this);
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  /** What a terminal shows when `answer` is typed to the question. */
  const answered = (answer: string) =>
    typed(
      server,
      [["Type yes to go on: ", answer]],
      [process.execPath, resolve("dist/src/main.js"), "halt", "--all"],
    );

  for (const [name, keys] of [
    ["no", "no\n"],
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ] as const) {
    it(`orders nothing after ${name}, and says so`, async () => {
      const { shown, status } = await answered(keys);
      expect(shown).to.match(/killcord: nothing was ordered\n$/);
      expect(shown).not.to.include("is sealed");
      expect(status).to.equal(1);
    });
  }

  it("orders after yes", async () => {
    const { shown, status } = await answered("yes\n");
    expect(shown).to.include("on all sessions is sealed");
    expect(status).to.equal(0);
  });
});
