/**
 * Turns sealed leaves into the files of the static log. Full tiles are written once; what is begun is
 * written anew for every size that is published.
 */
import { setImmediate } from "node:timers/promises";
import { limits } from "../limits.js";
import { joinBytes } from "./encoding.js";
import { sha256 } from "./hash.js";
import { leafHash } from "./merkle.js";
import type { StaticLog, TileFile } from "./static-log.js";
import { entryBundle, tile_width } from "./tiles.js";
import { type EdgeText, TreeEdge } from "./tree-edge.js";

/** Where tiles go; or what compares them with those that are there. */
export type TileSink = Pick<StaticLog, "write" | "forgetPartial">;

export class TreeWriter {
  readonly #log: TileSink;
  readonly #edge: TreeEdge;
  /** Leaves of the entry bundle that is begun. */
  #leaves: Uint8Array[];
  /** Full tiles whose partial ones are still there. */
  #filled: TileFile["tile"][] = [];

  /** @param leaves of the entry bundle that is begun at the edge's size */
  constructor(log: TileSink, edge: TreeEdge, leaves: readonly Uint8Array[]) {
    if (leaves.length !== edge.size % tile_width) {
      throw new RangeError(`an edge at ${edge.size} with ${leaves.length} leaves in its last bundle`);
    }
    this.#log = log;
    this.#edge = edge;
    this.#leaves = [...leaves];
  }

  /** Leaves so far. */
  get size(): number {
    return this.#edge.size;
  }

  /** What the edge would be with more leaves; nothing is added or written. */
  async edgeAfter(leaves: AsyncIterable<string>): Promise<EdgeText> {
    const edge = TreeEdge.from(this.#edge.text(), sha256) as TreeEdge;
    for await (const leaf of leaves) {
      edge.add(leafHash(Buffer.from(leaf, "latin1"), sha256));
    }
    return edge.text();
  }

  /**
   * Adds leaves, and writes the tiles that are full with them. A second's leaves are many: the event
   * loop gets its turn in between.
   */
  async add(leaves: AsyncIterable<string> | Iterable<string>): Promise<void> {
    let full: TileFile[] = [];
    let added = 0;
    for await (const text of leaves) {
      full.push(...this.#append(Buffer.from(text, "latin1")));
      added += 1;
      if (added % limits.leaves_added_at_once === 0) {
        await setImmediate();
      }
      if (full.length >= limits.tiles_gathered) {
        await this.#write(full);
        full = [];
      }
    }
    await this.#write(full);
  }

  #append(leaf: Uint8Array): readonly TileFile[] {
    this.#leaves.push(leaf);
    const tiles: TileFile[] = this.#edge.add(leafHash(leaf, sha256)).map(({ level, index, hashes }) => ({
      tile: { level, index, width: tile_width },
      bytes: joinBytes(...hashes),
    }));
    if (this.#leaves.length === tile_width) {
      const index = this.#edge.size / tile_width - 1;
      tiles.push({ tile: { level: "entries", index, width: tile_width }, bytes: entryBundle(this.#leaves) });
      this.#leaves = [];
    }
    return tiles;
  }

  async #write(full: readonly TileFile[]): Promise<void> {
    await this.#log.write(full);
    this.#filled.push(...full.map(({ tile }) => tile));
  }

  /** Writes the tiles that are begun; the log is whole at this size then. Gives its root. */
  async finish(): Promise<Uint8Array> {
    const partial: TileFile[] = this.#edge.partial().map(({ level, index, hashes }) => ({
      tile: { level, index, width: hashes.length },
      bytes: joinBytes(...hashes),
    }));
    if (this.#leaves.length > 0) {
      const index = Math.floor(this.#edge.size / tile_width);
      const tile = { level: "entries", index, width: this.#leaves.length } as const;
      partial.push({ tile, bytes: entryBundle(this.#leaves) });
    }
    await this.#log.write(partial);
    return this.#edge.root();
  }

  /** Removes partial tiles that nobody needs once a checkpoint beyond them is shown. */
  async tidy(): Promise<void> {
    for (const tile of this.#filled.splice(0)) {
      await this.#log.forgetPartial(tile);
    }
  }
}
