/**
 * Reads old entries again, slowly, as long as the vault is open: damage at rest is found while there
 * are still copies (vault-format.md, 7). A pass goes once over everything that a checkpoint covers,
 * rebuilds the tree beside it, and holds entries, tiles and the signed root against each other.
 */
import { limits } from "../limits.js";
import type { Checkpoint } from "./checkpoint.js";
import { sameBytes } from "./encoding.js";
import type { SealedEntry } from "./entry.js";
import { sha256 } from "./hash.js";
import type { Journal } from "./journal.js";
import { checkEntry } from "./scan.js";
import type { StaticLog } from "./static-log.js";
import { TileComparison } from "./tile-comparison.js";
import { tile_width } from "./tiles.js";
import { TreeEdge } from "./tree-edge.js";
import { TreeWriter } from "./tree-writer.js";

/** What was sealed is not there any more as it was. */
export class DamageFound extends Error {
  constructor(message: string, cause?: unknown) {
    super(`${message}. Stop here, keep the data directory, and run \`killcord vault check\``, { cause });
    this.name = "DamageFound";
  }
}

export interface ScrubParts {
  readonly journal: Journal;
  readonly log: StaticLog;
  /** The newest checkpoint that was signed. */
  readonly signed: () => Checkpoint;
  /** How long a pass takes, however long the log is; milliseconds. */
  readonly pass_ms: number;
}

/** One pass over the entries below a checkpoint. */
interface Pass {
  readonly to: Checkpoint;
  readonly tiles: TileComparison;
  readonly tree: TreeWriter;
  last: SealedEntry | null;
}

export class Scrub {
  readonly #parts: ScrubParts;
  #timer: NodeJS.Timeout | null = null;
  #stepping: Promise<void> | null = null;
  #ended = false;
  #passes = 0;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  /** Passes that found nothing. */
  get passes(): number {
    return this.#passes;
  }

  /** @param onDamage told once, with what was found; then nothing more is read */
  begin(onDamage: (error: Error) => void): void {
    this.#next(null, onDamage);
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer ?? undefined);
    await this.#stepping;
  }

  #next(pass: Pass | null, onDamage: (error: Error) => void): void {
    if (this.#ended) {
      return;
    }
    const steps = Math.ceil((pass?.to.size ?? this.#parts.signed().size) / tile_width) + 1;
    const wait_ms = Math.max(
      this.#parts.pass_ms / steps,
      Math.min(limits.scrub_step_ms_min, this.#parts.pass_ms),
    );
    this.#timer = setTimeout(() => {
      this.#stepping = this.#step(pass ?? this.#newPass()).then(
        (going_on) => this.#next(going_on, onDamage),
        (error: Error) => {
          this.#ended = true;
          onDamage(error);
        },
      );
    }, wait_ms);
    this.#timer.unref();
  }

  #newPass(): Pass {
    const tiles = new TileComparison(this.#parts.log);
    const tree = new TreeWriter(tiles, new TreeEdge(sha256), []);
    return { to: this.#parts.signed(), tiles, tree, last: null };
  }

  /** Reads the entries of one tile; null when the pass is over with them. */
  async #step(pass: Pass): Promise<Pass | null> {
    const from = pass.tree.size;
    const leaves: string[] = [];
    try {
      for await (const stored of this.#parts.journal.read(from, Math.min(tile_width, pass.to.size - from))) {
        pass.last = checkEntry(stored, pass.last, pass.to.origin);
        leaves.push(stored.leaf);
      }
    } catch (error) {
      throw new DamageFound(
        `Entries ${from} and up cannot be read as they were sealed: ${(error as Error).message}`,
        error,
      );
    }
    await pass.tree.add(leaves);
    if (leaves.length === 0 && pass.tree.size < pass.to.size) {
      throw new DamageFound(`The store ends at entry ${from}; a checkpoint covers ${pass.to.size}`);
    }
    if (pass.tree.size === pass.to.size) {
      await this.#finish(pass);
    }
    this.#refuseTiles(pass.tiles);
    return pass.tree.size < pass.to.size ? pass : null;
  }

  async #finish({ tree, to }: Pass): Promise<void> {
    if (!sameBytes(await tree.finish(), to.root)) {
      throw new DamageFound(`The first ${to.size} entries are not those whose root was signed`);
    }
    this.#passes += 1;
  }

  #refuseTiles({ missing, different }: TileComparison): void {
    const [bad] = [...missing, ...different];
    if (bad !== undefined) {
      throw new DamageFound(`log/${bad} is not what the entries say it is`);
    }
  }
}
