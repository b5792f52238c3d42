import { expect } from "chai";
import fc from "fast-check";
import {
  isZone,
  minuteOfWeek,
  offsetMinutes,
  type Period,
  periodStart,
  quarter_ms,
} from "../../../src/core/policy/calendar.js";

const start = (zone: string, period: Period, at: string) =>
  new Date(periodStart(zone, period, Date.parse(at))).toISOString();

const hour_ms = 3_600_000;

describe("calendars in named zones", () => {
  it("a day in Berlin begins at its midnight, and has 23 or 25 hours when clocks change", () => {
    expect(start("Europe/Berlin", "day", "2026-03-28T23:00:00Z")).to.equal("2026-03-28T23:00:00.000Z");
    expect(start("Europe/Berlin", "day", "2026-03-28T22:59:59.999Z")).to.equal("2026-03-27T23:00:00.000Z");
    // The 29th of March has 23 hours, the 25th of October 25.
    expect(start("Europe/Berlin", "day", "2026-03-29T21:59:59.999Z")).to.equal("2026-03-28T23:00:00.000Z");
    expect(start("Europe/Berlin", "day", "2026-03-29T22:00:00Z")).to.equal("2026-03-29T22:00:00.000Z");
    expect(start("Europe/Berlin", "day", "2026-10-25T22:59:59.999Z")).to.equal("2026-10-24T22:00:00.000Z");
    expect(start("Europe/Berlin", "day", "2026-10-25T23:00:00Z")).to.equal("2026-10-25T23:00:00.000Z");
  });

  it("a month ends with its last day, leap years and new years included", () => {
    expect(start("UTC", "month", "2028-02-29T23:59:59.999Z")).to.equal("2028-02-01T00:00:00.000Z");
    expect(start("UTC", "month", "2028-03-01T00:00:00Z")).to.equal("2028-03-01T00:00:00.000Z");
    expect(start("UTC", "month", "2026-12-31T23:59:59.999Z")).to.equal("2026-12-01T00:00:00.000Z");
    expect(start("America/New_York", "month", "2027-01-01T04:59:59Z")).to.equal("2026-12-01T05:00:00.000Z");
    expect(start("America/New_York", "month", "2027-01-01T05:00:00Z")).to.equal("2027-01-01T05:00:00.000Z");
    // Clocks changed within the month.
    expect(start("Europe/Berlin", "month", "2026-03-31T21:59:59Z")).to.equal("2026-02-28T23:00:00.000Z");
    expect(start("Europe/Berlin", "month", "2026-10-31T22:59:59Z")).to.equal("2026-09-30T22:00:00.000Z");
  });

  it("offsets go by quarters of an hour", () => {
    expect(offsetMinutes("Asia/Kathmandu", Date.parse("2026-06-01T00:00:00Z"))).to.equal(345);
    expect(offsetMinutes("Asia/Kolkata", Date.parse("2026-06-01T00:00:00Z"))).to.equal(330);
    expect(start("Asia/Kathmandu", "day", "2026-06-01T18:14:59Z")).to.equal("2026-05-31T18:15:00.000Z");
    expect(start("Asia/Kathmandu", "day", "2026-06-01T18:15:00Z")).to.equal("2026-06-01T18:15:00.000Z");
    expect(start("Asia/Kathmandu", "hour", "2026-06-01T18:14:59Z")).to.equal("2026-06-01T17:15:00.000Z");
    expect(start("Pacific/Chatham", "hour", "2026-06-01T00:20:00Z")).to.equal("2026-06-01T00:15:00.000Z");
  });

  it("a day whose midnight is left out begins with its first minute", () => {
    // Cairo's clocks go from 23:59:59 on the 23rd to 01:00 on the 24th of April.
    expect(start("Africa/Cairo", "day", "2026-04-24T10:00:00Z")).to.equal("2026-04-23T22:00:00.000Z");
    expect(start("Africa/Cairo", "day", "2026-04-23T21:59:59Z")).to.equal("2026-04-22T22:00:00.000Z");
  });

  it("an hour that clocks show twice is two, and half an hour of Lord Howe is one by itself", () => {
    expect(start("Europe/Berlin", "hour", "2026-10-25T00:45:00Z")).to.equal("2026-10-25T00:00:00.000Z");
    expect(start("Europe/Berlin", "hour", "2026-10-25T01:15:00Z")).to.equal("2026-10-25T01:00:00.000Z");
    // 02:00 becomes 01:30 there, at 15:00 UTC.
    expect(start("Australia/Lord_Howe", "hour", "2026-04-04T14:59:00Z")).to.equal("2026-04-04T14:00:00.000Z");
    expect(start("Australia/Lord_Howe", "hour", "2026-04-04T15:20:00Z")).to.equal("2026-04-04T15:00:00.000Z");
    expect(start("Australia/Lord_Howe", "hour", "2026-04-04T15:30:00Z")).to.equal("2026-04-04T15:30:00.000Z");
  });

  it("tells the minute of the week that clocks show", () => {
    // The 30th of November 2026 is a Monday.
    expect(minuteOfWeek("UTC", Date.parse("2026-11-30T00:00:00Z"))).to.equal(0);
    expect(minuteOfWeek("UTC", Date.parse("2026-11-29T23:59:59Z"))).to.equal(7 * 1440 - 1);
    expect(minuteOfWeek("Europe/Berlin", Date.parse("2026-11-29T23:30:00Z"))).to.equal(30);
    expect(minuteOfWeek("UTC", -1)).to.equal(3 * 1440 - 1);
  });

  it("knows zones by their names alone", () => {
    for (const zone of ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]) {
      expect(isZone(zone), zone).to.equal(true);
    }
    for (const zone of [
      "",
      "Mars/Olympus",
      "+01:00",
      "Europe/Berlin\n",
      "x".repeat(80),
      "../etc",
      "__proto__",
    ]) {
      expect(isZone(zone), zone).to.equal(false);
    }
  });

  it("in every zone, periods follow each other without a gap, each as long as it can be", () => {
    const zones = Intl.supportedValuesOf("timeZone");
    // Clocks of Antarctica's Troll change by two hours.
    const longest = { hour: 1, day: 26, month: 31 * 24 + 2 };
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom<Period>("hour", "day", "month"),
        fc.integer({ min: Date.parse("2015-01-01"), max: Date.parse("2035-01-01") }),
        (zone, period, at) => {
          const from = periodStart(zone, period, at);
          expect(from).to.be.at.most(at);
          expect(from % quarter_ms).to.equal(0);
          // All of it begins where it begins, and what is before does not.
          expect(periodStart(zone, period, from)).to.equal(from);
          const before = periodStart(zone, period, from - 1);
          expect(before).to.be.below(from);
          expect(from - before).to.be.at.most(longest[period] * hour_ms);
          expect(at - from).to.be.below(longest[period] * hour_ms);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("a day is the days that clocks show, in every zone", () => {
    const zones = Intl.supportedValuesOf("timeZone");
    const shown = (zone: string, at: number) =>
      new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(at);
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.parse("2020-01-01"), max: Date.parse("2030-01-01") }),
        (zone, at) => {
          const from = periodStart(zone, "day", at);
          expect(shown(zone, from)).to.equal(shown(zone, at));
          expect(shown(zone, from - 1)).to.not.equal(shown(zone, at));
        },
      ),
      { numRuns: 500 },
    );
  });
});
