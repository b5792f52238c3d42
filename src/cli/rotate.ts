/** What `keys rotate` and `credentials rotate` have in common. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Option } from "commander";
import type { AccessOptions } from "./access.js";
import { plain } from "./output.js";
import { localTime, parseDuration } from "./time.js";

export interface RotateOptions extends AccessOptions {
  readonly overlap?: bigint;
  readonly ttl?: bigint;
}

export function overlapOption(): Option {
  return new Option(
    "--overlap <duration>",
    "how long the old secret stays good beside the new one, e.g. 1h, at most 30d; 0s for not at all (default: 1d)",
  ).argParser(parseOverlap);
}

export function newTtlOption(): Option {
  return new Option(
    "--ttl <duration>",
    "how long the new one is good, e.g. 12h or 30d; otherwise as long as the old one was given",
  ).argParser(parseDuration);
}

/** Alone among durations it may be nothing. */
function parseOverlap(text: string): bigint {
  return /^0[smhd]?$/.test(text) ? 0n : parseDuration(text);
}

/** The members of a request that the options make. */
export function rotation({ overlap, ttl }: RotateOptions): { overlapSeconds?: bigint; ttlSeconds?: bigint } {
  return {
    ...(overlap === undefined ? {} : { overlapSeconds: overlap }),
    ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
  };
}

/** What becomes of the old secret. */
export function oldSecret(id: string | undefined, until: Timestamp | undefined): string {
  return `the secret of ${plain(id ?? "")} is good until ${localTime(until)}`;
}
