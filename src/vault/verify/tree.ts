/** Stage F: the entries are the leaves of the tree that the checkpoint signs (vault-format.md, 6 and 9). */
import { fromBase64, sameBytes } from "../encoding.js";
import { checkInclusion, type HashTree, hash_bytes, leafHash, rootAt } from "../merkle.js";
import { type Tile, tile_width, tileBytes, tilePath, tilesOf } from "../tiles.js";
import type { VerifyCrypto } from "../verify-crypto.js";
import type { Checkpoints, LogFiles } from "./checkpoints.js";
import { type Failure, failure, quoted } from "./code.js";
import type { Entry } from "./entry-check.js";
import type { EntryLines } from "./layout.js";

type Sha256 = VerifyCrypto["sha256"];

/** A full bundle: every leaf is there, so are the files of `log/` if there is one. */
export function checkTree(
  checkpoints: Checkpoints,
  tree: HashTree,
  log: LogFiles,
  sha256: Sha256,
): Failure | null {
  return (
    checkSize(checkpoints, tree) ??
    (log === null ? null : checkLog(log, tree, sha256)) ??
    checkRoots(checkpoints, tree, sha256)
  );
}

/** The checkpoint covers all entries and no more. */
export function checkSize({ newest }: Checkpoints, { size }: HashTree): Failure | null {
  return newest.size === size
    ? null
    : failure("checkpoint.size", `the checkpoint covers ${newest.size} entries, the bundle has ${size}`);
}

/** The checkpoints are those of this tree. */
export function checkRoots({ newest, older }: Checkpoints, tree: HashTree, sha256: Sha256): Failure | null {
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

function checkLog(log: ReadonlyMap<string, Uint8Array>, tree: HashTree, sha256: Sha256): Failure | null {
  const misplaced = checkPaths(new Set(log.keys()), tree.size);
  if (misplaced !== null) {
    return misplaced;
  }
  for (const tile of tilesInOrder(tree.size)) {
    const found = checkTile(tile, log.get(tilePath(tile)) as Uint8Array, tree, sha256);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** `log/` holds exactly the files of a log of that size. */
export function checkPaths(found: ReadonlySet<string>, size: number): Failure | null {
  const paths = new Set(["checkpoint", ...tilesOf(size).map(tilePath)]);
  for (const path of paths) {
    if (!found.has(path)) {
      return failure("log.missing", `log/ has no ${path}`);
    }
  }
  for (const path of found) {
    if (!paths.has(path)) {
      return failure("log.unexpected", `log/ has ${quoted(path)}, which no log of this size has`);
    }
  }
  return null;
}

/** The tiles of a log in the order in which they are judged: entry bundles first. */
export function tilesInOrder(size: number): readonly Tile[] {
  const tiles = tilesOf(size);
  const isBundle = ({ level }: Tile) => level === "entries";
  return [...tiles.filter(isBundle), ...tiles.filter((tile) => !isBundle(tile))];
}

/** A file of `log/` holds the leaves or the hashes of this tree. */
export function checkTile(tile: Tile, bytes: Uint8Array, tree: HashTree, sha256: Sha256): Failure | null {
  if (tile.level === "entries") {
    return checkBundle(tile, bytes, tree, sha256);
  }
  return sameBytes(bytes, tileBytes(tree, tile.level, tile.index, tile.width))
    ? null
    : failure("log.tile", `${tilePath(tile)} does not hold the hashes of these entries`);
}

function checkBundle(tile: Tile, bytes: Uint8Array, tree: HashTree, sha256: Sha256): Failure | null {
  const leaves = tree.levels[0] as Uint8Array;
  const first = tile.index * tile_width;
  let offset = 0;
  for (let i = first; i < first + tile.width; i++) {
    const start = offset + 2;
    offset = start + (bytes[offset] as number) * 256 + (bytes[offset + 1] as number);
    const expected = leaves.subarray(i * hash_bytes, (i + 1) * hash_bytes);
    // A bundle that ends too soon has a length that is not a number, or a leaf that is too short.
    if (!(offset <= bytes.length) || !sameBytes(leafHash(bytes.subarray(start, offset), sha256), expected)) {
      return failure("leaf.mismatch", `${tilePath(tile)} holds another leaf for this entry`, i);
    }
  }
  return offset === bytes.length
    ? null
    : failure("leaf.mismatch", `${tilePath(tile)} goes on after this entry`, first + tile.width - 1);
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
