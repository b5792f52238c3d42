/** Where a request carries its key (rest-api.md, 1): three headers, all equal. */
import { KillcordError } from "./errors.js";

const bearer = /^bearer +(.*)$/i;

/**
 * The key of a request. Cookies, the query and the body never carry one.
 *
 * @param header gives a header's value by its lower-case name, or null
 * @throws {KillcordError} missing_api_key, or invalid_api_key when two different keys were sent
 */
export function keyFromHeaders(header: (name: string) => string | null): string {
  const candidates = [
    header("x-api-key"),
    bearer.exec(header("authorization")?.trim() ?? "")?.[1],
    header("x-xybern-api-key"),
  ];
  const keys = new Set(candidates.map((key) => key?.trim() ?? "").filter((key) => key !== ""));
  const [key] = keys;
  if (key === undefined) {
    throw new KillcordError(
      "missing_api_key",
      "no API key: send it as X-API-Key, Authorization: Bearer or X-Xybern-API-Key",
    );
  }
  if (keys.size > 1) {
    throw new KillcordError("invalid_api_key", "two different API keys were sent; send one");
  }
  return key;
}
