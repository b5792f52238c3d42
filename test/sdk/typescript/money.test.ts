/** Money in the client for TypeScript: what it sends is what was written, or nothing. */
import { expect } from "chai";
import { type Usd, wireCost, wireUsd } from "../../../sdk/typescript/src/money.js";
import { KillcordError } from "../../../sdk/typescript/src/node.js";
import { vector } from "../../vectors.js";

interface Case {
  readonly input: string;
  readonly text?: string | null;
}

describe("sdk/typescript: money", () => {
  const { money } = vector<{ readonly money: readonly Case[] }>("rest/params.json");
  for (const { input, text } of money) {
    if (text === null) continue;
    it(`${input} is ${text ?? "refused"}, as the server reads it`, () => {
      const value = JSON.parse(input) as Usd;
      if (text !== undefined) expect(wireUsd("costUsd", value)).to.equal(text);
      else expect(() => wireUsd("costUsd", value)).to.throw(KillcordError, "no finer than a millionth");
    });
  }

  for (const value of [0.1 + 0.2, 1e21, 1e-300, Number.NaN, Number.POSITIVE_INFINITY, "9".repeat(400)]) {
    it(`${String(value).slice(0, 30)} is refused`, () => {
      expect(() => wireUsd("costUsd", value)).to.throw(KillcordError);
    });
  }

  it("is rounded only by whoever means to", () => {
    expect(wireUsd("costUsd", (1234 * 3e-8).toFixed(6))).to.equal("0.000037");
  });

  it("goes with whole tokens alone, and with nothing else", () => {
    expect(wireCost("cost", { tokens: 5, costUsd: 0.5 })).to.deep.equal({ tokens: 5n, costUsd: "0.5" });
    for (const cost of [{ tokens: 1.5 }, { tokens: -1 }, { tokens: 2 ** 53 }, { cost_usd: 1 }]) {
      expect(() => wireCost("cost", cost)).to.throw(KillcordError, "cost");
    }
  });
});
