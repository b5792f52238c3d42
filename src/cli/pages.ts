/** Lists that come in pages. */
import { InvalidArgumentError, Option } from "commander";
import { note } from "./output.js";

/** The options of every list. */
export interface PageOptions {
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly all?: true;
}

/** What every page has. */
interface Page {
  readonly total: bigint;
  nextPageToken?: string | undefined;
}

/** Makes those options, new ones for each command. */
export function pageOptions(): Option[] {
  return [
    new Option("--page-size <number>", "how many at once").argParser(readSize),
    new Option("--page-token <token>", "continue where next_page_token says"),
    new Option("--all", "read all pages").conflicts("pageToken"),
  ];
}

function readSize(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number, 1 and up.");
}

/** Reads the page that the options ask for, or, with --all, all of them into one. */
export async function readPages<P extends Page>(
  options: PageOptions,
  read: (page: { pageSize: number; pageToken: string }) => Promise<P>,
  append: (whole: P, next: P) => void,
): Promise<P> {
  const pageSize = options.pageSize ?? 0;
  const whole = await read({ pageSize, pageToken: options.pageToken ?? "" });
  while (options.all && whole.nextPageToken !== undefined) {
    const next = await read({ pageSize, pageToken: whole.nextPageToken });
    append(whole, next);
    whole.nextPageToken = next.nextPageToken;
  }
  return whole;
}

/** Says on stderr how to see what the page does not show. */
export function tellMore(shown: number, page: Page): void {
  if (page.nextPageToken === undefined) return;
  note(`${shown} of ${page.total} shown: add --all, or --page-token ${page.nextPageToken}`);
}
