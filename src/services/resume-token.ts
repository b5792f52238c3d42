/**
 * Resume tokens of watches: the log and an index in it. A token that is ahead of the log, or of
 * another log, shows a server that was rolled back or swapped.
 */
import { KillcordError } from "./errors.js";

/** The token of everything up to and including the entry at `revision`. */
export function tokenOf(origin: string, revision: number): string {
  return Buffer.from(JSON.stringify([origin, revision]), "utf8").toString("base64url");
}

/**
 * Reads a token.
 *
 * @param size number of entries in the log
 * @returns the revision that the reader has seen
 * @throws {KillcordError} invalid_argument when it is no token, data_loss when the log lacks what it names
 */
export function readToken(token: string, origin: string, size: number): number {
  const [token_origin, revision] = parse(token);
  if (token_origin !== origin || revision >= size) {
    throw new KillcordError(
      "data_loss",
      `the resume token names entry ${revision} of ${token_origin}, this server has ${size} entries of ${origin}: it was rolled back or is another one; watch anew without a token once that is explained`,
    );
  }
  return revision;
}

function parse(token: string): readonly [string, number] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    // -1 is the place before the first entry.
    if (
      Array.isArray(value) &&
      typeof value[0] === "string" &&
      Number.isSafeInteger(value[1]) &&
      value[1] >= -1
    ) {
      return [value[0].slice(0, 200), value[1] as number];
    }
  } catch {
    // Answered below, like any other text that is no token.
  }
  throw new KillcordError("invalid_argument", "resume_token: not a token of this service", {
    details: [{ field: "resume_token", issue: "not a token of this service" }],
  });
}
