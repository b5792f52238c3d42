/** The id that a reply, its errors and its log line share. */
import { randomBytes } from "node:crypto";

const sane = /^[A-Za-z0-9_.:-]{1,128}$/;

/** The caller's own X-Request-Id when it is sane, else `req_` and 24 hex digits. */
export function requestId(given: string | null): string {
  return given !== null && sane.test(given) ? given : `req_${randomBytes(12).toString("hex")}`;
}
