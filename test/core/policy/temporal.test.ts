import { expect } from "chai";
import fc from "fast-check";
import { compile } from "../../../src/core/policy/compile.js";
import type { JsonObject } from "../../../src/core/policy/document.js";
import { PolicyError } from "../../../src/core/policy/error.js";
import { parsePolicy } from "../../../src/core/policy/parse.js";
import { contextOf } from "./context.js";

const from = { policy_id: "0".repeat(32), source: "api" } as const;
const written = (conditions: JsonObject) => ({
  name: "t",
  policy_type: "temporal",
  decision: "block",
  conditions,
});

/** Whether the policy is about an action at a time, written in UTC. */
function isAbout(conditions: JsonObject) {
  const { judge } = compile(parsePolicy(written(conditions), from));
  return (at: string) => judge(contextOf({ at: Date.parse(at) })) !== null;
}

function fault(conditions: JsonObject): string {
  try {
    parsePolicy(written(conditions), from);
    return "none";
  } catch (error) {
    return error instanceof PolicyError ? error.path : String(error);
  }
}

describe("a temporal policy", () => {
  it("goes by the clock on the wall of its zone", () => {
    const office = isAbout({ zone: "Europe/Berlin", days: ["mon", "fri"], from: "09:00", to: "17:30" });
    // A Monday in winter, an hour ahead of UTC; a Friday in summer, two.
    expect(office("2026-01-05T07:59:59.999Z")).to.equal(false);
    expect(office("2026-01-05T08:00:00Z")).to.equal(true);
    expect(office("2026-01-05T16:29:59Z")).to.equal(true);
    expect(office("2026-01-05T16:30:00Z")).to.equal(false);
    expect(office("2026-01-06T10:00:00Z")).to.equal(false);
    expect(office("2026-07-03T07:00:00Z")).to.equal(true);
    expect(office("2026-07-03T15:30:00Z")).to.equal(false);
  });

  it("crosses midnight, and belongs to the day on which it begins", () => {
    const night = isAbout({ zone: "UTC", days: ["sun"], from: "22:00", to: "06:00" });
    expect(night("2026-01-04T21:59:00Z")).to.equal(false);
    expect(night("2026-01-04T22:00:00Z")).to.equal(true);
    expect(night("2026-01-05T05:59:00Z")).to.equal(true);
    expect(night("2026-01-05T06:00:00Z")).to.equal(false);
    expect(night("2026-01-05T23:00:00Z")).to.equal(false);
  });

  it("never comes to a time that clocks leave out in spring", () => {
    const gap = isAbout({ zone: "Europe/Berlin", from: "02:15", to: "02:45" });
    const long = isAbout({ zone: "Europe/Berlin", from: "01:00", to: "02:30" });
    // 29 March 2026, 01:00 UTC: from 02:00 to 03:00.
    for (let minute = 0; minute < 120; minute++) {
      expect(gap(new Date(Date.UTC(2026, 2, 29, 0, minute)).toISOString()), String(minute)).to.equal(false);
    }
    expect(gap("2026-03-30T00:20:00Z")).to.equal(true);
    expect(long("2026-03-29T00:59:59Z")).to.equal(true);
    expect(long("2026-03-29T01:00:00Z")).to.equal(false);
  });

  it("comes twice to an hour that clocks repeat in autumn", () => {
    const twice = isAbout({ zone: "America/New_York", from: "01:00", to: "02:00" });
    // 1 November 2026, 06:00 UTC: from 02:00 back to 01:00.
    expect(twice("2026-11-01T04:59:59Z")).to.equal(false);
    expect(twice("2026-11-01T05:00:00Z")).to.equal(true);
    expect(twice("2026-11-01T06:59:59Z")).to.equal(true);
    expect(twice("2026-11-01T07:00:00Z")).to.equal(false);
  });

  it("is the whole day without times, and the other way round with outside", () => {
    const weekend = isAbout({ zone: "Asia/Kolkata", days: ["sat", "sun"] });
    const week = isAbout({ zone: "Asia/Kolkata", days: ["sat", "sun"], outside: true });
    const text = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) });
    fc.assert(
      fc.property(text, (at) => {
        const time = new Date(at).toISOString();
        // India keeps one time, five and a half hours ahead.
        const day = new Date(at + 19_800_000).getUTCDay();
        expect(weekend(time)).to.equal(day === 0 || day === 6);
        expect(week(time)).to.equal(!weekend(time));
      }),
    );
  });

  it("agrees with a calendar of another make at any time, in whatever order it is asked", () => {
    const zone = "Australia/Lord_Howe";
    const about = isAbout({ zone, from: "08:00", to: "12:00", days: ["tue"] });
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) }), (at) => {
        const shown = format.format(at);
        const hour = Number(/(\d\d):/.exec(shown)?.[1]);
        const expected = shown.startsWith("Tue") && hour >= 8 && hour < 12;
        expect(about(new Date(at).toISOString()), shown).to.equal(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("says where it is wrong", () => {
    expect(fault({})).to.equal("/conditions/zone");
    expect(fault({ zone: "Europe/Bärlin" })).to.equal("/conditions/zone");
    expect(fault({ zone: "UTC", from: "9:00" })).to.equal("/conditions/from");
    expect(fault({ zone: "UTC", to: "24:00" })).to.equal("/conditions/to");
    expect(fault({ zone: "UTC", days: [] })).to.equal("/conditions/days");
    expect(fault({ zone: "UTC", days: ["mon", "mon"] })).to.equal("/conditions/days/1");
    expect(fault({ zone: "UTC", days: ["Mon"] })).to.equal("/conditions/days/0");
    expect(fault({ zone: "UTC", day: "mon" })).to.equal("/conditions/day");
  });
});
