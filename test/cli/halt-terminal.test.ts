import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";

describe("killcord halt --all at a terminal", function () {
  this.timeout(30_000);
  let server: Served;

  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server.end();
  });

  /** What a terminal shows when `answer` is typed to the question. */
  async function answered(answer: string) {
    const killcord = [process.execPath, resolve("dist/src/main.js"), "halt", "--all"];
    const steps = JSON.stringify([["Type yes to go on: ", answer]]);
    const child = spawn("python3", [resolve("test/cli/terminal.py"), steps, ...killcord], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        KILLCORD_URL: server.url,
        KILLCORD_API_KEY: server.admin_key,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((yes) => child.once("close", yes));
    return { shown: (await text(child.stdout)).replaceAll("\r\n", "\n"), status: await ended };
  }

  for (const [name, typed] of [
    ["no", "no\n"],
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ] as const) {
    it(`orders nothing after ${name}, and says so`, async () => {
      const { shown, status } = await answered(typed);
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
