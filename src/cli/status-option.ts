/** `--status`, repeatable, as several commands take it. */
import { InvalidArgumentError, Option } from "commander";
import { SessionStatus } from "../../gen/killcord/v1/session_pb.js";

const statuses: Readonly<Record<string, SessionStatus>> = {
  active: SessionStatus.ACTIVE,
  paused: SessionStatus.PAUSED,
  killed: SessionStatus.KILLED,
  expired: SessionStatus.EXPIRED,
  ended: SessionStatus.ENDED,
};

/** Makes the option, a new one for each command. */
export function statusOption(): Option {
  const words = Object.keys(statuses).join(", ");
  return new Option("--status <status>", `only ${words}; repeatable`).argParser(readStatus);
}

function readStatus(word: string, before: readonly SessionStatus[] | undefined): readonly SessionStatus[] {
  const status = statuses[word];
  if (status === undefined) throw new InvalidArgumentError(`Expected ${Object.keys(statuses).join(", ")}.`);
  return [...(before ?? []), status];
}
