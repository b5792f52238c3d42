/**
 * A snapshot beside the log: what replaying its first entries comes to, and the tree's right edge
 * there (vault-format.md, 7). It is evidence of nothing. It is used only when the log itself, in an
 * entry that a start has checked, names its digest, and when the root that was signed is reached
 * from its edge.
 */
import { join } from "node:path";
import { bytesOf, joinBytes } from "./encoding.js";
import { type FileSystem, placeFile, readIfThere, syncDirectory } from "./files.js";
import { sha256 } from "./hash.js";
import { type EdgeText, TreeEdge } from "./tree-edge.js";

const format = "killcord-snapshot/1";
const file_name = "snapshot";

export interface Snapshot {
  /** Entries that it stands for. */
  readonly size: number;
  readonly edge: EdgeText;
  /** What the entries come to; the vault does not know what it says. */
  readonly state: string;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
}

/** Puts a snapshot in the place of the one before. */
export async function writeSnapshot(
  data: string,
  edge: EdgeText,
  state: string,
  files: FileSystem,
): Promise<Snapshot> {
  const head = JSON.stringify({ format, size: edge.size, edge });
  const bytes = joinBytes(bytesOf(`${head}\n`), bytesOf(state));
  await placeFile(join(data, file_name), bytes, files);
  await syncDirectory(data, files);
  return { size: edge.size, edge, state, digest: digestOf(bytes) };
}

/** The snapshot that is there, or null: none, or one that cannot be read. */
export async function readSnapshot(data: string, files: FileSystem): Promise<Snapshot | null> {
  const bytes = await readIfThere(join(data, file_name), files);
  const newline = bytes?.indexOf(0x0a) ?? -1;
  if (bytes === null || newline < 0) {
    return null;
  }
  try {
    const head = JSON.parse(bytes.toString("utf8", 0, newline)) as {
      readonly format: unknown;
      readonly size: number;
      readonly edge: EdgeText;
    };
    const is_one = head.format === format && head.size === head.edge.size && TreeEdge.from(head.edge, sha256);
    return is_one
      ? {
          size: head.size,
          edge: head.edge,
          state: bytes.toString("utf8", newline + 1),
          digest: digestOf(bytes),
        }
      : null;
  } catch {
    return null;
  }
}

function digestOf(bytes: Uint8Array): string {
  return Buffer.from(sha256(bytes)).toString("hex");
}

/** The snapshot of a log in use, and when another is worth while. */
export class Snapshots {
  #used: Snapshot | null;
  readonly #apart: number;
  readonly #checkAll: () => Promise<void>;
  readonly #write: (edge: EdgeText, state: string) => Promise<Snapshot>;
  /** Entries that the newest one stands for. */
  #size: number;

  constructor(parts: {
    /** The one that this start has found genuine. */
    readonly found: Snapshot | null;
    /** Entries after a snapshot that make the next one worth while. */
    readonly apart: number;
    /** Puts another in its place, of the entries up to an edge. */
    readonly write: (edge: EdgeText, state: string) => Promise<Snapshot>;
    /** Reads all of the store as a start without a snapshot does. */
    readonly checkAll: () => Promise<void>;
  }) {
    this.#used = parts.found;
    this.#apart = parts.apart;
    this.#write = parts.write;
    this.#size = parts.found?.size ?? 0;
    this.#checkAll = parts.checkAll;
  }

  /** What the first entries come to, if a genuine snapshot tells. */
  get used(): Snapshot | null {
    return this.#used;
  }

  /** Whether so many entries have followed the newest one that another is worth while. */
  isWorthWhile(size: number): boolean {
    return size - this.#size >= this.#apart;
  }

  /** Puts another in the place of the one before, of the entries up to an edge. */
  async write(edge: EdgeText, state: string): Promise<Snapshot> {
    const written = await this.#write(edge, state);
    this.#size = written.size;
    return written;
  }

  /**
   * The one in use is of no use after all: everything below it is read too.
   *
   * @throws {StartError}
   */
  async forget(): Promise<void> {
    this.#used = null;
    this.#size = 0;
    await this.#checkAll();
  }
}
