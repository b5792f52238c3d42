import { expect } from "chai";
import { printUsd } from "../../src/core/money.js";
import { parseMoney } from "../../src/rest/decimal.js";
import { parseJson } from "../../src/rest/json.js";
import { vector } from "../vectors.js";

const { money } = vector<{
  money: { input: string; micros?: string | null; text?: string | null; error?: string; note?: string }[];
}>("rest/params.json");

describe("money", () => {
  for (const { input, micros, text, note } of money) {
    const title = `${input}${note === undefined ? "" : ` (${note})`}`;
    if (typeof micros === "string" && typeof text === "string") {
      it(`${title} is ${micros} micro-USD and is written ${text}`, () => {
        const amount = parseMoney(parseJson(input));
        expect(String(amount)).to.equal(micros);
        expect(printUsd(amount ?? -1)).to.equal(text);
      });
    } else {
      it(`${title} is no amount`, () => {
        expect(parseMoney(parseJson(input))).to.equal(null);
      });
    }
  }
});
