/** Pages of lists: sizes, numbers, and tokens that keep their place when rows are added. */
import { createHash } from "node:crypto";
import { limits } from "../limits.js";
import { KillcordError } from "./errors.js";
import { invalid } from "./validate.js";

/** The paging members of a list request. */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly page?: number | undefined;
}

/** Which rows to show: `size` of them after `skip`, counted from `after`, or from the beginning. */
export interface Page {
  readonly size: number;
  readonly skip: number;
  /** Place of the last row of the page before, as the list wrote it; null at the beginning. */
  readonly after: string | null;
  /** The list and its filter; a token is good for nothing else. */
  readonly list: string;
}

/**
 * Reads the paging members.
 *
 * @param list name of the list with everything that filters it
 * @throws {KillcordError} invalid_argument for a token of another list or filter
 */
export function pageOf(
  request: PageRequest,
  list: string,
  size_default: number = limits.page_size_default,
  size_max: number = limits.page_size_max,
): Page {
  const size = request.pageSize === 0 ? size_default : Math.min(request.pageSize, size_max);
  if (request.page !== undefined && request.pageToken !== "") {
    throw invalid([{ field: "page", issue: "not together with page_token" }]);
  }
  const after = request.pageToken === "" ? null : placeIn(request.pageToken, list);
  const skip = request.page === undefined ? 0 : (request.page - 1) * size;
  return { size, skip, after, list };
}

/** The token of the page that begins after a place. */
export function tokenAfter(page: Page, place: string): string {
  return Buffer.from(`${listDigest(page.list)}${place}`, "utf8").toString("base64url");
}

function placeIn(token: string, list: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  const digest = listDigest(list);
  if (!text.startsWith(digest)) {
    throw new KillcordError("invalid_argument", "page_token: not a token of this list and filter", {
      details: [{ field: "page_token", issue: "not a token of this list and filter" }],
    });
  }
  return text.slice(digest.length);
}

function listDigest(list: string): string {
  return createHash("sha256").update(list, "utf8").digest("hex").slice(0, 12);
}

/**
 * Cuts a page out of all rows of a list, which come in its order, and counts them.
 *
 * @param isAfter whether a row comes after a place
 * @param placeOf the place of a row, as it is written into a token
 */
export async function cut<Row>(
  page: Page,
  rows: AsyncIterable<Row> | Iterable<Row>,
  isAfter: (row: Row, place: string) => boolean,
  placeOf: (row: Row) => string,
): Promise<{ readonly rows: readonly Row[]; readonly total: bigint; readonly nextPageToken?: string }> {
  const shown: Row[] = [];
  let total = 0;
  let passed = 0;
  for await (const row of rows) {
    total += 1;
    if (page.after === null || isAfter(row, page.after)) {
      passed += 1;
      if (passed > page.skip && shown.length < page.size) {
        shown.push(row);
      }
    }
  }
  const last = shown.at(-1);
  const more = last !== undefined && passed - page.skip > shown.length;
  return {
    rows: shown,
    total: BigInt(total),
    ...(more ? { nextPageToken: tokenAfter(page, placeOf(last)) } : {}),
  };
}

/** The rows that are wanted. */
export async function* matching<Row>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  wanted: (row: Row) => boolean,
): AsyncGenerator<Row, void, undefined> {
  for await (const row of rows) {
    if (wanted(row)) {
      yield row;
    }
  }
}
