/** Times and durations as text (RFC 3339; protobuf's JSON form of Duration). */

/** Seconds, and billionths of a second of the same sign (durations) or upwards (times). */
export interface Seconds {
  readonly seconds: bigint;
  readonly nanos: number;
}

const timestamp_text =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
const duration_text = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,9}))?s$/;

/** google.protobuf.Timestamp and Duration hold no more than this. */
const first_second = -62_135_596_800;
const last_second = 253_402_300_799;
const duration_seconds_max = 315_576_000_000;

/** Reads a time with upper-case T and Z or an offset; null for any other text, also for 30 February. */
export function parseTimestamp(text: string): Seconds | null {
  const parts = timestamp_text.exec(text);
  if (parts === null) {
    return null;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const offset_hours = Number(parts[9] ?? 0);
  const offset_minutes = Number(parts[10] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    return null;
  }
  if (hour > 23 || minute > 59 || second > 59 || offset_hours > 23 || offset_minutes > 59) {
    return null;
  }
  const offset = (offset_hours * 60 + offset_minutes) * 60 * (parts[8] === "-" ? -1 : 1);
  const seconds = date.getTime() / 1000 + (hour * 60 + minute) * 60 + second - offset;
  if (seconds < first_second || seconds > last_second) {
    return null;
  }
  return { seconds: BigInt(seconds), nanos: nanosOf(parts[7]) };
}

/** Reads seconds with the suffix s. */
export function parseDuration(text: string): Seconds | null {
  const parts = duration_text.exec(text);
  if (parts === null) {
    return null;
  }
  const seconds = Number(parts[2]);
  const nanos = nanosOf(parts[3]);
  if (seconds > duration_seconds_max || (seconds === duration_seconds_max && nanos > 0)) {
    return null;
  }
  const negative = parts[1] === "-";
  return { seconds: BigInt(negative ? -seconds : seconds), nanos: negative && nanos > 0 ? -nanos : nanos };
}

function nanosOf(fraction: string | undefined): number {
  return Number((fraction ?? "").padEnd(9, "0"));
}
