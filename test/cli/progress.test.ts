import { PassThrough } from "node:stream";
import { expect } from "chai";
import { Progress } from "../../src/cli/progress.js";

function shownOn(is_terminal: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY: is_terminal });
  const written: string[] = [];
  stream.on("data", (chunk) => written.push(String(chunk)));
  let now = 0;
  const progress = new Progress("verifying", 200, stream as unknown as NodeJS.WriteStream, () => now);
  return {
    at: (moment: number, done: number) => {
      now = moment;
      progress.at(done);
    },
    end: () => progress.end(),
    text: () => written.join(""),
  };
}

describe("the progress of a long piece of work", () => {
  it("is shown once it takes a second, ten times a second at most, and taken away at its end", () => {
    const shown = shownOn(true);
    shown.at(900, 20);
    expect(shown.text()).to.equal("");
    shown.at(2000, 100);
    shown.at(2050, 150);
    expect(shown.text()).to.contain("verifying [###############...............] 50 %, 2 s left");
    expect(shown.text()).not.to.contain("75 %");
    shown.at(2200, 150);
    expect(shown.text()).to.contain("75 %, 1 s left");
    shown.end();
    expect(shown.text().endsWith("\u001b[2K")).to.equal(true);
  });

  it("is not written where nobody looks", () => {
    const shown = shownOn(false);
    shown.at(5000, 100);
    shown.end();
    expect(shown.text()).to.equal("");
  });
});
