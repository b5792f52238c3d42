/** How options are checked, and what is said of one that does not pass. */
import { KillcordError } from "./errors.js";

/** @throws {KillcordError} invalid_argument: an option that is not known would do nothing, unseen */
export function knownOnly(where: string, value: object, names: ReadonlySet<string>): void {
  const unknown = Object.keys(value).find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new KillcordError(
      "invalid_argument",
      `${where} has no option ${unknown}: there are ${[...names].join(", ")}`,
    );
  }
}

/** @throws {KillcordError} invalid_argument */
export function whole(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new KillcordError(
      "invalid_argument",
      `${name} is ${value}: it must be a whole number, ${min} to ${max}`,
    );
  }
}

export function refusedOption(name: string, value: unknown): KillcordError {
  return new KillcordError("invalid_argument", `${name} cannot be ${JSON.stringify(value)}`);
}
