/** The files of a static log: C2SP tlog-tiles (vault-format.md, 6). */
import { type HashTree, hash_bytes } from "./merkle.js";

/** Hashes in a full tile, and leaves in a full entry bundle. */
export const tile_width = 256;

/** One file: a tile of hashes at a level, or a bundle of entries. */
export interface Tile {
  /** 0 to 63; a tile at level L holds roots of 256^L leaves. */
  readonly level: number | "entries";
  readonly index: number;
  /** 1 to 256; 256 is a full tile. */
  readonly width: number;
}

/** Where a tile lies, below the root of the log. */
export function tilePath(tile: Tile): string {
  let groups = String(tile.index % 1000).padStart(3, "0");
  for (let rest = Math.floor(tile.index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups = `x${String(rest % 1000).padStart(3, "0")}/${groups}`;
  }
  const partial = tile.width === tile_width ? "" : `.p/${tile.width}`;
  return `tile/${tile.level}/${groups}${partial}`;
}

const pattern = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The tile that lies at a path, or null when none can. */
export function parseTilePath(path: string): Tile | null {
  const match = pattern.exec(path);
  if (match === null) {
    return null;
  }
  const level = match[1] === "entries" ? "entries" : Number(match[1]);
  const tile: Tile = {
    level,
    index: Number(match[2]?.replace(/[x/]/g, "")),
    width: match[3] === undefined ? tile_width : Number(match[3]),
  };
  const possible =
    (level === "entries" || level <= 63) &&
    Number.isSafeInteger(tile.index) &&
    tile.width <= tile_width &&
    // One path for each tile: no leading group of zeros, no full width written as a partial one.
    tilePath(tile) === path;
  return possible ? tile : null;
}

/** Every file of a log of that size, but the checkpoint. */
export function tilesOf(size: number): Tile[] {
  const tiles = tilesAt("entries", size);
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / tile_width)) {
    tiles.push(...tilesAt(level, count));
  }
  return tiles;
}

function tilesAt(level: Tile["level"], count: number): Tile[] {
  const tiles: Tile[] = [];
  for (let index = 0; index * tile_width < count; index++) {
    tiles.push({ level, index, width: Math.min(tile_width, count - index * tile_width) });
  }
  return tiles;
}

/** The bytes of a tile of hashes of this tree. */
export function tileBytes(tree: HashTree, level: number, index: number, width: number): Uint8Array {
  // 256 = 2^8 leaves of a tile become one hash of the next, so tile level L is tree level 8 L.
  const hashes = tree.levels[8 * level] ?? new Uint8Array(0);
  const start = index * tile_width * hash_bytes;
  return hashes.subarray(start, start + width * hash_bytes);
}

/** Leaves one after the other, each behind its length as two bytes, big-endian. */
export function entryBundle(leaves: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(leaves.reduce((length, leaf) => length + 2 + leaf.length, 0));
  let offset = 0;
  for (const leaf of leaves) {
    bundle[offset] = leaf.length >> 8;
    bundle[offset + 1] = leaf.length & 0xff;
    bundle.set(leaf, offset + 2);
    offset += 2 + leaf.length;
  }
  return bundle;
}

/** Index of the last leaf below a tile. */
export function lastLeafOf({ level, index, width }: Tile): number {
  const below = level === "entries" ? 1 : tile_width ** level;
  return (index * tile_width + width) * below - 1;
}
