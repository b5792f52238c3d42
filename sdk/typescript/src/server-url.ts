/** The address of a server. */
import { KillcordError } from "./errors.js";

/**
 * As transports want it, without a slash at its end.
 *
 * @throws {KillcordError} invalid_argument
 */
export function serverUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new KillcordError("invalid_argument", `"${text}" is not a URL: it begins with http:// or https://`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new KillcordError("invalid_argument", `"${text}" does not begin with http:// or https://`);
  }
  return url.href.replace(/\/$/, "");
}
