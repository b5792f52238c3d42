/** Stage F: the entries are the leaves of the tree that the checkpoint signs (vault-format.md, 6 and 9). */
import { bytesOf, fromBase64, sameBytes } from "../encoding.js";
import { checkInclusion, type HashTree, hash_bytes, rootAt } from "../merkle.js";
import { entryBundle, type Tile, tile_width, tileBytes, tilePath, tilesOf } from "../tiles.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import type { Checkpoints, LogFiles } from "./checkpoints.js";
import { type Failure, failure, quoted } from "./code.js";
import { type Entry, leafText } from "./entry-check.js";
import type { EntryLines } from "./layout.js";

type Sha256 = VerifyCrypto["sha256"];

/** A full bundle: every leaf is there, so are the files of `log/` if there is one. */
export function checkTree(
  checkpoints: Checkpoints,
  tree: HashTree,
  lines: EntryLines,
  log: LogFiles,
  sha256: Sha256,
): Failure | null {
  const { newest, older } = checkpoints;
  if (newest.size !== tree.size) {
    const why = `the checkpoint covers ${newest.size} entries, the bundle has ${tree.size}`;
    return failure("checkpoint.size", why);
  }
  const published = log === null ? null : checkLog(log, tree, lines);
  if (published !== null) {
    return published;
  }
  if (!sameBytes(rootAt(tree, tree.size, sha256), newest.root)) {
    return failure("checkpoint.root", "the entries are not those that the checkpoint signs");
  }
  for (const { size, root } of older) {
    if (size > tree.size || !sameBytes(rootAt(tree, size, sha256), root)) {
      return failure("checkpoint.root", `the older checkpoint at ${size} is not one of this log`);
    }
  }
  return null;
}

function checkLog(log: ReadonlyMap<string, Uint8Array>, tree: HashTree, lines: EntryLines): Failure | null {
  const tiles = tilesOf(tree.size);
  const paths = new Set(["checkpoint", ...tiles.map(tilePath)]);
  for (const path of paths) {
    if (!log.has(path)) {
      return failure("log.missing", `log/ has no ${path}`);
    }
  }
  for (const path of log.keys()) {
    if (!paths.has(path)) {
      return failure("log.unexpected", `log/ has ${quoted(path)}, which no log of this size has`);
    }
  }
  const isBundle = (tile: Tile) => tile.level === "entries";
  return (
    firstOf(tiles.filter(isBundle), (tile) => checkBundle(tile, bytesAt(log, tile), lines)) ??
    firstOf(
      tiles.filter((tile) => !isBundle(tile)),
      (tile) => checkTile(tile, bytesAt(log, tile), tree),
    )
  );
}

function bytesAt(log: ReadonlyMap<string, Uint8Array>, tile: Tile): Uint8Array {
  return log.get(tilePath(tile)) as Uint8Array;
}

function firstOf(tiles: readonly Tile[], check: (tile: Tile) => Failure | null): Failure | null {
  for (const tile of tiles) {
    const found = check(tile);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

function checkBundle(tile: Tile, bytes: Uint8Array, lines: EntryLines): Failure | null {
  let offset = 0;
  const first = tile.index * tile_width;
  for (let i = 0; i < tile.width; i++) {
    const leaf = entryBundle([bytesOf(leafText(lines.at(first + i) as Entry))]);
    if (!sameBytes(leaf, bytes.subarray(offset, offset + leaf.length))) {
      return failure("leaf.mismatch", `${tilePath(tile)} holds another leaf for this entry`, first + i);
    }
    offset += leaf.length;
  }
  return offset === bytes.length
    ? null
    : failure("leaf.mismatch", `${tilePath(tile)} goes on after this entry`, first + tile.width - 1);
}

function checkTile(tile: Tile, bytes: Uint8Array, tree: HashTree): Failure | null {
  return sameBytes(bytes, tileBytes(tree, tile.level as number, tile.index, tile.width))
    ? null
    : failure("log.tile", `${tilePath(tile)} does not hold the hashes of these entries`);
}

/** A slice: each leaf is shown to stand in the tree by its proof. */
export function checkProofs(
  checkpoints: Checkpoints,
  leaves: Uint8Array,
  lines: EntryLines,
  sha256: Sha256,
): Failure | null {
  const { size, root } = checkpoints.newest;
  for (let line = 0; line < lines.count; line++) {
    const index = (lines.at(line) as Entry).sequence_number;
    if (index >= size) {
      return failure(
        "checkpoint.size",
        `the checkpoint covers ${size} entries, this is not one of them`,
        index,
      );
    }
  }
  for (let line = 0; line < lines.count; line++) {
    const { sequence_number: index, inclusion_proof } = lines.at(line) as Entry;
    const proof = inclusion_proof?.map((hash) => fromBase64(hash) as Uint8Array);
    const leaf_hash = leaves.subarray(line * hash_bytes, (line + 1) * hash_bytes);
    if (proof === undefined || !checkInclusion({ index, size, leaf_hash, root }, proof, sha256)) {
      return failure("slice.proof", "the entry's proof does not lead to the checkpoint's root", index);
    }
  }
  return null;
}
