import { expect } from "chai";
import { InvalidArgumentError } from "commander";
import { parseDuration, showDuration } from "../../src/cli/time.js";

describe("a span of time", () => {
  it("is read in seconds, or in the unit that it names", () => {
    const read = ["90", "90s", "15m", "12h", "30d", "0"].map(parseDuration);
    expect(read).to.deep.equal([90n, 90n, 900n, 43_200n, 2_592_000n, 0n]);
  });
  for (const text of ["", "-1", "1.5h", "1w", "h", "1h30m", " 1h", "99999999999", "0x10"]) {
    it(`is not read from ${JSON.stringify(text)}`, () => {
      expect(() => parseDuration(text)).to.throw(InvalidArgumentError);
    });
  }
  it("is shown in at most two units, of which the second keeps its width", () => {
    const shown = [0, 59, 60, 3599, 3600, 7500, 86_399, 86_400, 273_600, -5].map(showDuration);
    expect(shown).to.deep.equal([
      "0s",
      "59s",
      "1m 00s",
      "59m 59s",
      "1h 00m",
      "2h 05m",
      "23h 59m",
      "1d 00h",
      "3d 04h",
      "0s",
    ]);
  });
});
