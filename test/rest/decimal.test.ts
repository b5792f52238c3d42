import { expect } from "chai";
import { parseMoney, printMoney } from "../../src/rest/decimal.js";
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
        expect(printMoney(amount ?? -1n)).to.equal(text);
      });
    } else {
      it(`${title} is no amount`, () => {
        expect(parseMoney(parseJson(input))).to.equal(null);
      });
    }
  }
});
