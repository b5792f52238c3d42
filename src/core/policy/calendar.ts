/**
 * Calendars in named zones: when an hour, a day or a month began. Only judging asks for this: what is
 * sealed and counted stands in quarters of an hour of UTC, on whose edges every clock of today changes
 * and every day begins, so that a newer database of zones rewrites no history.
 */

/** A quarter of an hour, in milliseconds. */
export const quarter_ms = 900_000;

export type Period = "hour" | "day" | "month";

/** What a clock on a wall in a zone shows. */
interface Local {
  /** Months since the year 0. */
  readonly month: number;
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly minute_of_day: number;
  /** Minutes ahead of UTC. */
  readonly offset: number;
}

/** Formatters that were made: each costs as much as a hundred of its answers. There are a few hundred zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();
const formatters_max = 1024;

/** Whether a text names a zone of the IANA database, as in `Europe/Berlin`, or `UTC`. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(zone)) {
    return false;
  }
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Minutes that clocks in a zone are ahead of UTC at a time in milliseconds. */
export function offsetMinutes(zone: string, at: number): number {
  return localOf(zone, at).offset;
}

/** Minutes since a Monday's midnight that a clock in a zone shows, 0 to 10,079. */
export function minuteOfWeek(zone: string, at: number): number {
  const { day, minute_of_day } = localOf(zone, at);
  // 1970-01-01 was a Thursday.
  return ((((day + 3) % 7) + 7) % 7) * 1440 + minute_of_day;
}

/**
 * When the period that a time lies in began, in milliseconds. A day has 23 or 25 hours where clocks
 * change, and begins with its first minute that there is; an hour begins anew when clocks change.
 */
export function periodStart(zone: string, period: Period, at: number): number {
  const here = localOf(zone, at);
  const local = localStart(here, period);
  let start = Math.floor(((local - here.offset) * 60_000) / quarter_ms) * quarter_ms;
  // Clocks may have changed since: the guess is then off by as much.
  const is_in = (time: number) => isSame(period, localOf(zone, time), here);
  while (start < at && !is_in(start)) {
    start += quarter_ms;
  }
  while (is_in(start - quarter_ms)) {
    start -= quarter_ms;
  }
  return start;
}

/** Minutes since 1970 that a clock shows at the start of its period. */
function localStart({ month, day, minute_of_day }: Local, period: Period): number {
  switch (period) {
    case "hour":
      return day * 1440 + minute_of_day - (minute_of_day % 60);
    case "day":
      return day * 1440;
    case "month":
      return daysTo(Math.floor(month / 12), (month % 12) + 1, 1) * 1440;
  }
}

function isSame(period: Period, a: Local, b: Local): boolean {
  switch (period) {
    case "hour":
      return (
        a.day === b.day &&
        Math.floor(a.minute_of_day / 60) === Math.floor(b.minute_of_day / 60) &&
        a.offset === b.offset
      );
    case "day":
      return a.day === b.day;
    case "month":
      return a.month === b.month;
  }
}

function localOf(zone: string, at: number): Local {
  let [year, month, date, hour, minute] = [0, 0, 0, 0, 0];
  for (const { type, value } of formatterOf(zone).formatToParts(at)) {
    switch (type) {
      case "year":
        year = Number(value);
        break;
      case "month":
        month = Number(value);
        break;
      case "day":
        date = Number(value);
        break;
      case "hour":
        hour = Number(value);
        break;
      case "minute":
        minute = Number(value);
        break;
      default:
    }
  }
  const day = daysTo(year, month, date);
  const minute_of_day = hour * 60 + minute;
  const offset = day * 1440 + minute_of_day - Math.floor(at / 60_000);
  return { month: year * 12 + month - 1, day, minute_of_day, offset };
}

/** @throws {RangeError} for a zone that is not known */
function formatterOf(zone: string): Intl.DateTimeFormat {
  const kept = formatters.get(zone);
  if (kept !== undefined) {
    return kept;
  }
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  if (formatters.size >= formatters_max) {
    formatters.clear();
  }
  formatters.set(zone, made);
  return made;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar, years from 1 on. */
function daysTo(year: number, month: number, date: number): number {
  // Counted in years that begin with March, so that the day that is not always there is the last.
  const y = month > 2 ? year : year - 1;
  const days_before_month = Math.floor((153 * ((month + 9) % 12) + 2) / 5);
  return (
    y * 365 +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    days_before_month +
    date -
    719_469
  );
}
