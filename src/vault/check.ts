/**
 * Reads everything of a stopped vault and changes nothing: every record of checkpoints.log, every
 * entry with its signature, every file of the static log (`killcord vault check`).
 */
import { join, resolve } from "node:path";
import { limits } from "../limits.js";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.js";
import { sameBytes } from "./encoding.js";
import { node_files, readIfThere } from "./files.js";
import { sha256 } from "./hash.js";
import { decodeHeadMark } from "./head-mark.js";
import type { Journal } from "./journal.js";
import { type Kept, readKept } from "./kept-checkpoints.js";
import { readKeys } from "./keys.js";
import { leafHash } from "./merkle.js";
import { parseNote } from "./note.js";
import { leavesOf } from "./open-tree.js";
import { markIn, reconcile } from "./reconcile.js";
import { asStartError, scan } from "./scan.js";
import { shownBeyond } from "./shown-checkpoint.js";
import { StartError } from "./start-error.js";
import { StaticLog } from "./static-log.js";
import { TileComparison } from "./tile-comparison.js";
import { TreeEdge } from "./tree-edge.js";
import { TreeWriter } from "./tree-writer.js";

/** What a vault is found to be, when nothing of it refuses a start. */
export interface CheckReport {
  readonly origin: string;
  /** Entries, each with the hashes and the signature that it should have. */
  readonly entries: number;
  /** Size of the newest checkpoint, and entries after it. */
  readonly newest_checkpoint: number;
  readonly beyond: number;
  /** Size of the checkpoint that `log/` shows: below the newest when witnesses have not signed that. */
  readonly shown_checkpoint: number | null;
  /** Who else signed the one that is shown, by the names in its lines. */
  readonly witnesses: readonly string[];
  /** Newest checkpoints whose root was computed from the entries and is the one that was signed. */
  readonly roots_compared: number;
  readonly head_mark: "fits" | "absent" | "unreadable";
  /** Files of the static log: how many, and those that are not there, or not what the entries say. */
  readonly log_files: number;
  readonly missing: readonly string[];
  readonly different: readonly string[];
}

export interface CheckOptions {
  readonly directory: string;
  /** Where checkpoints.log is; the data directory when absent. */
  readonly checkpoints?: string | undefined;
  readonly journal: Journal;
}

/**
 * Checks all of it. The journal is closed afterwards.
 *
 * @throws {StartError} for the first fault that would refuse a start, or that a start does not look for
 */
export async function checkVault(options: CheckOptions): Promise<CheckReport> {
  const data = resolve(options.directory);
  const checkpoints = options.checkpoints === undefined ? data : resolve(options.checkpoints);
  const { journal } = options;
  const keys = await readKeys(join(data, "keys"));
  if (keys === null) {
    throw new StartError(
      "start.keys",
      `There are no keys in ${join(data, "keys")}: name the data directory of a log.`,
    );
  }
  try {
    const kept = await readKept(checkpoints, keys, node_files, true);
    const { size } = await journal.open();
    if (kept === null || size === 0) {
      const code = size === 0 ? "start.rollback" : "start.no_checkpoint";
      throw new StartError(
        code,
        `${size} entries were found, and ${kept === null ? "no" : "a"} checkpoints.log in ${checkpoints}.`,
      );
    }
    // Every signature first: then what follows is about the order of the log alone.
    const { genesis } = await scan(journal, size, keys, {}, () => {});
    const mark = markIn(checkpoints);
    const log = new StaticLog(join(data, "log"), node_files);
    const beyond = await shownBeyond(log, keys, kept.last);
    await reconcile({
      journal,
      size,
      keys,
      name: {},
      last: beyond ?? kept.last,
      snapshot: null,
      mark,
      files: node_files,
      onEntry: () => {},
      onWarning: () => {},
    });
    refuseCut(kept.last, beyond);
    const roots_compared = await compareRoots(journal, kept);
    const tiles = await compareTiles(log, journal, kept.last.size);
    const bytes = await readIfThere(mark);
    const shown = await shownIn(log, genesis.origin);
    return {
      origin: genesis.origin,
      entries: size,
      newest_checkpoint: kept.last.size,
      beyond: size - kept.last.size,
      ...shown,
      roots_compared,
      head_mark: bytes === null ? "absent" : decodeHeadMark(bytes) === null ? "unreadable" : "fits",
      log_files: tiles.files,
      missing: tiles.missing,
      different: tiles.different,
    };
  } catch (error) {
    throw asStartError(error);
  } finally {
    await journal.close();
  }
}

/** The store is whole then: a start goes on, says so, and keeps the checkpoint again. */
function refuseCut(kept: Checkpoint, beyond: Checkpoint | null): void {
  if (beyond !== null) {
    throw new StartError(
      "start.checkpoints_damaged",
      `checkpoints.log ends with a checkpoint over ${kept.size} entries, but log/checkpoint shows one over ${beyond.size} that was signed: it was cut, or is an older copy. The store holds what was signed. Restore checkpoints.log from its newest copy; a start without that keeps the one that is shown again.`,
    );
  }
}

async function shownIn(
  log: StaticLog,
  origin: string,
): Promise<Pick<CheckReport, "shown_checkpoint" | "witnesses">> {
  const note = parseNote((await log.checkpoint()) ?? "");
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  const names = note?.lines.map(({ name }) => name).filter((name) => name !== origin) ?? [];
  return { shown_checkpoint: checkpoint?.size ?? null, witnesses: names };
}

async function compareRoots(journal: Journal, { checked }: Kept): Promise<number> {
  const compared: readonly Checkpoint[] = checked.slice(-limits.checkpoints_compared);
  const edge = new TreeEdge(sha256);
  let next = 0;
  for await (const leaf of leavesOf(journal, 0, compared.at(-1)?.size ?? 0)) {
    edge.add(leafHash(Buffer.from(leaf, "latin1"), sha256));
    const checkpoint = compared[next];
    if (checkpoint?.size === edge.size) {
      next += 1;
      if (!sameBytes(edge.root(), checkpoint.root)) {
        throw new StartError(
          "start.fork",
          `The checkpoint over ${edge.size} entries signs another root than they have.`,
        );
      }
    }
  }
  return next;
}

async function compareTiles(log: StaticLog, journal: Journal, size: number): Promise<TileComparison> {
  const tiles = new TileComparison(log);
  const tree = new TreeWriter(tiles, new TreeEdge(sha256), []);
  await tree.add(leavesOf(journal, 0, size));
  await tree.finish();
  return tiles;
}
