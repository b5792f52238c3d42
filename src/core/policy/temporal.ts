/** `temporal`: actions at certain times of the week, by the clock on a wall in a zone. */
import type { Compiled, Finding } from "./action.js";
import { isZone, offsetMinutes, quarter_ms } from "./calendar.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";
import { PolicyError, step } from "./error.js";

const day_names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const day_minutes = 1440;
const week_minutes = 7 * day_minutes;

/**
 * The clock on the wall decides: where clocks go forward, times that are left out never come; where they
 * go back, an hour comes twice, and counts both times. A span that ends before it begins, or with it,
 * ends on the next day, and belongs to the day on which it began.
 */
export function compileTemporal(document: PolicyDocument): Compiled {
  const conditions = Conditions.of(document);
  const zone = conditions.text("zone", 64);
  if (!isZone(zone)) {
    throw new PolicyError(conditions.at("zone"), `${JSON.stringify(zone)} is no zone of the IANA database`);
  }
  const days = daysOf(conditions);
  const from = timeOf(conditions, "from");
  const to = timeOf(conditions, "to");
  const is_outside = conditions.boolean("outside", false);
  conditions.end();
  const length = from < to ? to - from : to + day_minutes - from;
  const clock = clockIn(zone);
  const names = days.map((day) => day_names[day]).join(", ");
  const span = `${names} ${hours(from)} to ${hours(to)} ${zone}`;
  const found = { reason: `the time is ${is_outside ? "outside" : "within"} ${span}` };
  const isWithin = (minute: number) =>
    days.some((day) => (minute - (day * day_minutes + from) + week_minutes) % week_minutes < length);
  // For one minute there is one answer.
  let asked = Number.NaN;
  let answer: Finding | null = null;
  return {
    reads_text: false,
    judge: ({ at }) => {
      const minute = Math.floor(at / 60_000);
      if (minute !== asked) {
        answer = isWithin(clock(at)) === is_outside ? null : found;
        asked = minute;
      }
      return answer;
    },
  };
}

function daysOf(conditions: Conditions): readonly number[] {
  if (!conditions.has("days")) {
    return day_names.map((_, day) => day);
  }
  const names = conditions.texts("days", day_names.length, 3);
  return names.map((name, i) => {
    const day = day_names.indexOf(name as (typeof day_names)[number]);
    if (day === -1 || names.indexOf(name) !== i) {
      const problem = day === -1 ? `must be one of ${day_names.join(", ")}` : `${name} stands there twice`;
      throw new PolicyError(conditions.at("days") + step(i), problem);
    }
    return day;
  });
}

/** Minutes since midnight; midnight when it is left out. */
function timeOf(conditions: Conditions, name: string): number {
  if (!conditions.has(name)) {
    return 0;
  }
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(conditions.text(name, 5)) ?? [];
  if (hour === undefined || minute === undefined) {
    throw new PolicyError(conditions.at(name), "must be a time of day from 00:00 to 23:59, like 08:30");
  }
  return Number(hour) * 60 + Number(minute);
}

function hours(minutes: number): string {
  const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
  return `${two(minutes / 60)}:${two(minutes % 60)}`;
}

/**
 * Minutes since a Monday's midnight in a zone. Clocks change on quarters of an hour only, so the zone is
 * asked once for each of them.
 */
function clockIn(zone: string): (at: number) => number {
  let quarter = Number.NaN;
  let offset = 0;
  return (at) => {
    const now = Math.floor(at / quarter_ms);
    if (now !== quarter) {
      offset = offsetMinutes(zone, at);
      quarter = now;
    }
    // 1970-01-01 was a Thursday.
    const minute = Math.floor(at / 60_000) + offset + 3 * day_minutes;
    return ((minute % week_minutes) + week_minutes) % week_minutes;
  };
}
