/** Points and spans of time as people type and read them. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError } from "commander";

const unit_seconds: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `90`, `90s`, `15m`, `12h` or `30d` as whole seconds. Throws commander's InvalidArgumentError. */
export function parseDuration(text: string): bigint {
  const match = /^(\d{1,10})([smhd]?)$/.exec(text);
  const unit = unit_seconds[match?.[2] ?? "none"];
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError("Expected a number of seconds, or a number with s, m, h or d, e.g. 12h.");
  }
  return BigInt(match[1] ?? "0") * BigInt(unit);
}

/** Shows whole seconds in at most two units: `41s`, `3m 12s`, `2h 05m`, `3d 04h`. */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${two(Math.floor(whole / 3600) % 24)}h`;
}

/** A point in time as a local date and time with its zone's offset; empty when there is none. */
export function localTime(time: Timestamp | undefined): string {
  if (time === undefined) return "";
  const date = timestampDate(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = -date.getTimezoneOffset();
  const offset = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date)} ${offset}`;
}

/** The time of day here, to the second. */
export function clock(date: Date): string {
  return date.toTimeString().slice(0, 8);
}
