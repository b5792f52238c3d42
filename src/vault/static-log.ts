/**
 * The log as a tree of files, for any C2SP client (vault-format.md, 6): `checkpoint`, `tile/…`. Below
 * it nothing else lies; a web server may show the folder as it is.
 */
import { dirname, join } from "node:path";
import { limits } from "../limits.js";
import { type FileSystem, makeDirectories, placeFile, readIfThere, syncDirectory } from "./files.js";
import { hash_bytes } from "./merkle.js";
import { type Tile, tile_width, tilePath } from "./tiles.js";

/** A file to be put in its place. */
export interface TileFile {
  readonly tile: Tile;
  readonly bytes: Uint8Array;
}

export class StaticLog {
  readonly directory: string;
  readonly #files: FileSystem;
  /** Directories that are known to be there. */
  readonly #made = new Set<string>();

  constructor(directory: string, files: FileSystem) {
    this.directory = directory;
    this.#files = files;
  }

  /** Puts tiles in their places; durable when it resolves. Some at a time: the store needs threads too. */
  async write(tiles: readonly TileFile[]): Promise<void> {
    const touched = new Set<string>();
    const waiting = [...tiles];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const path = join(this.directory, tilePath(next.tile));
        await this.#makeDirectory(dirname(path));
        await placeFile(path, next.bytes, this.#files);
        touched.add(dirname(path));
      }
    };
    const workers = Array.from({ length: limits.tiles_written_at_once }, work);
    // After a fault nothing goes on in the background: the process may be about to say that it ended.
    const failed = (await Promise.allSettled(workers)).find((worker) => worker.status === "rejected");
    if (failed !== undefined) {
      throw failed.reason;
    }
    await Promise.all(Array.from(touched, (directory) => syncDirectory(directory, this.#files)));
  }

  async #makeDirectory(directory: string): Promise<void> {
    if (!this.#made.has(directory)) {
      await makeDirectories(directory, this.#files);
      this.#made.add(directory);
    }
  }

  /**
   * The bytes of a tile, or null when they are not there. A partial tile whose file has gone is the
   * beginning of the full one.
   */
  async read(tile: Tile): Promise<Uint8Array | null> {
    const bytes = await readIfThere(join(this.directory, tilePath(tile)), this.#files);
    if (bytes !== null || tile.width === tile_width) {
      return bytes;
    }
    const full = await readIfThere(
      join(this.directory, tilePath({ ...tile, width: tile_width })),
      this.#files,
    );
    return full === null ? null : beginningOf(tile, full);
  }

  /** Whether the file of a tile is there and not cut short, without reading it. */
  async has(tile: Tile): Promise<boolean> {
    try {
      const { size } = await this.#files.stat(join(this.directory, tilePath(tile)));
      return tile.level === "entries" ? size > 0 : size === tile.width * hash_bytes;
    } catch {
      return false;
    }
  }

  /** Forgets the partial tiles of one that is full now. */
  async forgetPartial({ level, index }: Pick<Tile, "level" | "index">): Promise<void> {
    const full = tilePath({ level, index, width: tile_width });
    const directory = join(this.directory, `${full}.p`);
    this.#made.delete(directory);
    await this.#files.rm(directory, { recursive: true, force: true });
  }

  /** The note that is shown, or null while there is none. */
  async checkpoint(): Promise<string | null> {
    const bytes = await readIfThere(join(this.directory, "checkpoint"), this.#files);
    return bytes === null ? null : bytes.toString("utf8");
  }

  /** Shows a note from now on. */
  async show(note: string): Promise<void> {
    await this.#makeDirectory(this.directory);
    await placeFile(join(this.directory, "checkpoint"), Buffer.from(note), this.#files);
    await syncDirectory(this.directory, this.#files);
  }
}

/** The bytes of a partial tile, cut from the full one; null when that is none. */
function beginningOf(tile: Tile, full: Buffer): Uint8Array | null {
  if (tile.level !== "entries") {
    return full.length === tile_width * hash_bytes ? full.subarray(0, tile.width * hash_bytes) : null;
  }
  let end = 0;
  for (let entry = 0; entry < tile.width; entry++) {
    if (end + 2 > full.length) {
      return null;
    }
    end += 2 + full.readUInt16BE(end);
  }
  return end <= full.length ? full.subarray(0, end) : null;
}
