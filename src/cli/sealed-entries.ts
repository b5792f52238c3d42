/** The entries of a log, from wherever it can be read: a server, its data directory, an export. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { limits } from "../limits.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { CommandFailure, systemFailure } from "./failure.js";
import { Progress } from "./progress.js";
import { withStopped } from "./stopped-store.js";
import { talksToServer } from "./teach.js";

/** An entry as it is sealed. */
export interface SealedText {
  readonly sequence_number: number;
  readonly entry_id: string;
  readonly signed_at: string;
  readonly content: string;
  readonly details: string | null;
}

/** Where a log is read from; neither: a server. */
export interface LogOptions extends AccessOptions {
  readonly data?: string;
  readonly checkpoints?: string;
  readonly export?: string;
}

/** The options of a command that reads a log. */
export function logOptions(made: Command): Command {
  made
    .option("--export <folder>", "read an export of the whole log instead of asking a server")
    .option("--data <folder>", "read the data directory of a stopped server instead of a running one")
    .option("--checkpoints <folder>", "where checkpoints.log is, with --data, if it is elsewhere");
  return talksToServer(made);
}

/** Takes entries in order; false when it wants no more. */
export type TakeEntry = (entry: SealedText) => boolean;

/**
 * Reads a whole log from its first entry on, and shows how far it is when that takes long.
 *
 * @param what is done, as in `replaying`
 * @param most how many entries are to be read; all of them when absent
 * @throws {CommandFailure}
 */
export async function readLog(
  options: LogOptions,
  what: string,
  take: TakeEntry,
  most = Number.MAX_SAFE_INTEGER,
): Promise<void> {
  if (options.export !== undefined) {
    return readBundle(piecesOf(await bundleIn(options.export)), what, take, most);
  }
  if (options.data !== undefined) {
    const stopped = { data: options.data, checkpoints: options.checkpoints };
    return withStopped(stopped, (vault) => {
      const count = Math.min(vault.head().size, most);
      return takeAll(vault.read(0, count), count, what, take);
    });
  }
  await withServer(options, (server) =>
    readBundle(bundleOf(server.vault.exportBundle({ size: 0n }, { timeoutMs: 0 })), what, take, most),
  );
}

async function bundleIn(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? join(path, "bundle.json") : path;
  } catch (error) {
    throw systemFailure(`read ${path}`, error);
  }
}

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (error) {
    throw systemFailure(`read ${file}`, error);
  }
}

/** Of the files of an export only the entries; what follows them is not waited for. */
async function* bundleOf(
  pieces: AsyncIterable<{ readonly path: string; readonly chunk: Uint8Array }>,
): AsyncGenerator<Uint8Array> {
  let has_begun = false;
  for await (const { path, chunk } of pieces) {
    if (path === "bundle.json") {
      has_begun = true;
      yield chunk;
    } else if (has_begun) {
      return;
    }
  }
}

async function takeAll(
  entries: AsyncIterable<SealedText>,
  total: number,
  what: string,
  take: TakeEntry,
): Promise<void> {
  const progress = new Progress(what, total);
  try {
    let done = 0;
    for await (const entry of entries) {
      if (!take(entry)) {
        return;
      }
      done += 1;
      progress.at(done);
    }
  } finally {
    progress.end();
  }
}

async function readBundle(
  pieces: AsyncIterable<Uint8Array>,
  what: string,
  take: TakeEntry,
  most: number,
): Promise<void> {
  const lines = linesOf(pieces);
  const first = await lines.next();
  const { kind, entry_count } = headerOf(first.done ? "" : first.value);
  if (kind !== "full") {
    throw new CommandFailure(
      "invalid_argument",
      1,
      "this export is of one session: what policies there were, and what others spent, is in one of the whole log",
    );
  }
  await takeAll(entriesOf(lines), Math.min(entry_count, most), what, take);
}

interface Header {
  readonly kind: string;
  readonly entry_count: number;
}

function headerOf(line: string): Header {
  try {
    const header = JSON.parse(`${line}]}`) as Header & { readonly format: string };
    if (header.format === "killcord-bundle/v1") {
      return header;
    }
  } catch {
    // Said below, as of any other file.
  }
  throw new CommandFailure(
    "invalid_argument",
    1,
    "this is no export of Killcord: name a folder with a bundle.json",
  );
}

async function* entriesOf(lines: AsyncIterable<string>): AsyncGenerator<SealedText> {
  for await (const line of lines) {
    if (line === "]}") {
      return;
    }
    const { content, details, sequence_number, entry_id, signed_at } = JSON.parse(line.replace(/,$/, ""));
    yield {
      ...{ sequence_number, entry_id, signed_at },
      content: JSON.stringify(content),
      details: details === undefined ? null : JSON.stringify(details),
    };
  }
  throw new CommandFailure(
    "invalid_argument",
    1,
    "the export ends in the middle: `killcord verify` says more",
  );
}

/** Lines without their ends; none is longer than any of a bundle may be. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() as string;
    yield* lines;
    if (rest.length > limits.bundle_line_bytes) {
      throw new CommandFailure("invalid_argument", 1, "the export has a line that is longer than any may be");
    }
  }
  if (rest !== "") {
    yield rest;
  }
}
