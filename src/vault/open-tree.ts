/** The files of the static log at start: those that a checkpoint covers must be there (start step 6). */
import { sha256 } from "./hash.js";
import type { Journal } from "./journal.js";
import type { StaticLog } from "./static-log.js";
import { tilesOf } from "./tiles.js";
import { TreeEdge } from "./tree-edge.js";
import { TreeWriter } from "./tree-writer.js";

/** Leaves of stored entries from an index to before another. */
export async function* leavesOf(journal: Journal, from: number, to: number): AsyncGenerator<string> {
  for await (const { leaf } of journal.read(from, to - from)) {
    yield leaf;
  }
}

/** Tiles that are looked for at a time. */
const looked_for_at_once = 64;

/** Goes on with the tree of a checkpoint's size; writes its files anew when one is missing or cut short. */
export async function openTree(at: {
  readonly log: StaticLog;
  readonly journal: Journal;
  readonly size: number;
  readonly edge: TreeEdge;
  readonly leaves: readonly Uint8Array[];
}): Promise<TreeWriter> {
  const { log, journal, size } = at;
  if (!(await isWhole(log, size))) {
    await renderTree(log, journal, size);
  }
  return new TreeWriter(log, at.edge, at.leaves);
}

async function isWhole(log: StaticLog, size: number): Promise<boolean> {
  const tiles = tilesOf(size);
  for (let from = 0; from < tiles.length; from += looked_for_at_once) {
    const there = await Promise.all(
      tiles.slice(from, from + looked_for_at_once).map((tile) => log.has(tile)),
    );
    if (there.includes(false)) {
      return false;
    }
  }
  return true;
}

/** Writes every file of the log at a size, from the stored entries. */
export async function renderTree(log: StaticLog, journal: Journal, size: number): Promise<Uint8Array> {
  const writer = new TreeWriter(log, new TreeEdge(sha256), []);
  await writer.add(leavesOf(journal, 0, size));
  return writer.finish();
}
