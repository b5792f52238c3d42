/** Holds the files of the static log against what the entries say they are. */
import { sameBytes } from "./encoding.js";
import type { StaticLog, TileFile } from "./static-log.js";
import { tilePath } from "./tiles.js";
import type { TileSink } from "./tree-writer.js";

/** Takes tiles as if to write them, and remembers which of them are not on disk so. */
export class TileComparison implements TileSink {
  readonly #log: StaticLog;
  files = 0;
  readonly missing: string[] = [];
  readonly different: string[] = [];

  constructor(log: StaticLog) {
    this.#log = log;
  }

  async write(tiles: readonly TileFile[]): Promise<void> {
    for (const { tile, bytes } of tiles) {
      const found = await this.#log.read(tile);
      this.files += 1;
      if (found === null) {
        this.missing.push(tilePath(tile));
      } else if (!sameBytes(found, bytes)) {
        this.different.push(tilePath(tile));
      }
    }
  }

  async forgetPartial(): Promise<void> {
    // Nothing on disk is touched.
  }
}
