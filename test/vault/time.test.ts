import { expect } from "chai";
import fc from "fast-check";
import { isTime } from "../../src/vault/time.js";

/** What JavaScript's own calendar says: a date that it rolls over comes back different. */
function isDate(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text;
}

describe("a moment as the log writes it", () => {
  it("is a real date of the calendar, whatever digits stand there", () => {
    const digits = (max: number, width: number) =>
      fc.integer({ min: 0, max }).map((value) => String(value).padStart(width, "0"));
    const parts = fc.tuple(
      digits(9999, 4),
      digits(14, 2),
      digits(33, 2),
      digits(25, 2),
      digits(61, 2),
      digits(61, 2),
    );
    fc.assert(
      fc.property(parts, ([year, month, day, hour, minute, second]) => {
        const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.007Z`;
        expect(isTime(text), text).to.equal(isDate(text));
      }),
      { numRuns: 3000 },
    );
    for (const year of ["1900", "2000", "2023", "2024", "0000", "2100"]) {
      expect(isTime(`${year}-02-29T00:00:00.000Z`), year).to.equal(isDate(`${year}-02-29T00:00:00.000Z`));
    }
  });

  it("has milliseconds, a Z and nothing else", () => {
    for (const text of [
      "",
      "2026-11-22T17:00:00Z",
      "2026-11-22T17:00:00.000",
      "2026-11-22T17:00:00.000Z\n",
      "+02026-11-22T17:00:00.000Z",
    ]) {
      expect(isTime(text), text).to.equal(false);
    }
  });
});
