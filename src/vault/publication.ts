/**
 * What of the log is shown, and the steps that lead there (vault-format.md, 6). Their order never
 * changes: entries durable -> tiles -> signature -> checkpoints.log -> witnesses -> `checkpoint`.
 */
import { limits } from "../limits.js";
import { parseCheckpoint } from "./checkpoint.js";
import type { CheckpointSigner, SignedNote } from "./checkpoint-signer.js";
import type { Cosigning } from "./cosigning.js";
import type { SealedEntry } from "./entry.js";
import { sha256 } from "./hash.js";
import type { KeptCheckpoints } from "./kept-checkpoints.js";
import { parseNote, signedText } from "./note.js";
import { Prover } from "./prover.js";
import type { StaticLog } from "./static-log.js";
import { lastLeafOf, parseTilePath, type Tile } from "./tiles.js";
import type { EdgeText } from "./tree-edge.js";
import type { TreeWriter } from "./tree-writer.js";

/** A checkpoint that is shown, with the signatures of witnesses if there are any. */
export interface Published {
  readonly size: number;
  readonly note: string;
}

export interface PublicationParts {
  readonly log: StaticLog;
  readonly tree: TreeWriter;
  readonly signer: CheckpointSigner;
  /** checkpoints.log; its newest record need not be shown yet. */
  readonly kept: KeptCheckpoints;
  /** Entries that the store has already. */
  readonly size: number;
  /** Leaves of sealed entries from an index to before another. */
  readonly leaves: (from: number, to: number) => AsyncIterable<string>;
  readonly cosigning: Cosigning | null;
  readonly checkpoint_ms: number;
  /** Told once when a step has failed: nothing more may be sealed. */
  readonly onFailed: (error: Error) => void;
}

interface Waiting {
  readonly size: number;
  readonly resolve: (published: Published | null) => void;
  readonly reject: (error: Error) => void;
}

export class Publication {
  readonly #parts: PublicationParts;
  /** Leaves that are sealed and not in the tree; none when they are too many, and are read back. */
  #pending: string[] = [];
  #pending_from: number;
  /** Entries up to here are durable, and no command ends after them that began before. */
  #whole = 0;
  #begun = false;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #published: Published | null = null;
  #failure: Error | null = null;
  #closed = false;
  readonly #waiting = new Set<Waiting>();

  constructor(parts: PublicationParts) {
    this.#parts = parts;
    this.#pending_from = parts.size;
  }

  /** The checkpoint that is shown, or null before the first. Its size never goes back. */
  get published(): Published | null {
    return this.#published;
  }

  /** The newest checkpoint that was signed; it is shown when witnesses have signed too. */
  get signed(): SignedNote {
    return this.#parts.kept.last;
  }

  /** Takes note of entries that are durable. No checkpoint is ever taken between those of one command. */
  sealed(entries: readonly SealedEntry[], whole: number): void {
    for (const { leaf } of entries) {
      this.#pending.push(leaf);
    }
    if (this.#pending.length > limits.leaves_pending) {
      // The disk is slow: what waits is in the store, and memory must not grow with it.
      this.#pending_from += this.#pending.length;
      this.#pending = [];
    }
    this.#whole = Math.max(this.#whole, whole);
    this.#arm();
  }

  /**
   * Begins to publish what is sealed and whole, up to `whole` for a start. Before, nobody knows
   * whether the last command was cut.
   */
  begin(whole: number): void {
    this.#whole = Math.max(this.#whole, whole);
    this.#begun = true;
    this.#arm();
  }

  /**
   * Shows the newest checkpoint that was kept: the process may have ended before it was shown. Witnesses
   * are asked for it, and thereby for the size that they know.
   * @throws {Error} when one of them shows that this log must not go on
   */
  async showKept(): Promise<void> {
    const { log, kept, cosigning } = this.#parts;
    const { size, note } = kept.last;
    const shown = await log.checkpoint();
    if (cosigning === null) {
      // Lines of witnesses that are asked no more are still true.
      const same = shown?.startsWith(note) === true && parseNote(shown) !== null;
      if (!same) {
        await log.show(note);
      }
      this.#published = { size, note: same ? shown : note };
      return;
    }
    // Without witnesses the newest one is not shown; the one that they have signed is.
    const checkpoint = shown === null ? null : parseCheckpoint(signedText(shown));
    const own = checkpoint === null ? null : await kept.at(checkpoint.size);
    if (own !== null && shown?.startsWith(own) && cosigning.isWitnessed(shown)) {
      this.#published = { size: checkpoint?.size as number, note: shown };
    }
    await this.#showWitnessed(kept.last, cosigning);
  }

  /** Step 5 and 6 of publishing: the newest record of checkpoints.log, once witnesses have signed it. */
  async #showWitnessed(signed: SignedNote, cosigning: Cosigning | null): Promise<void> {
    const { log, tree } = this.#parts;
    const prover = this.prover(signed.size);
    const note =
      cosigning === null ? signed.note : await cosigning.cosign(signed, (from) => prover.consistency(from));
    if (note !== null) {
      await log.show(note);
      this.#publishedNow({ size: signed.size, note });
      await tree.tidy();
    }
  }

  /**
   * The checkpoint that is shown once it covers an entry.
   *
   * @returns null when that takes longer than `wait_ms`
   * @throws {Error} when nothing is published any more
   */
  covering(sequence_number: number, wait_ms: number): Promise<Published | null> {
    if (this.#published !== null && this.#published.size > sequence_number) {
      return Promise.resolve(this.#published);
    }
    if (this.#failure !== null || this.#closed) {
      return Promise.reject(this.#failure ?? new Error("the vault is closed"));
    }
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        size: sequence_number + 1,
        resolve: (published) => {
          settle();
          resolve(published);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiting.resolve(null), wait_ms);
      this.#waiting.add(waiting);
    });
  }

  /** A tree of that size, for proofs; the size must have been a checkpoint's. */
  prover(size: number): Prover {
    return new Prover(size, (level, index, width) => this.tile({ level, index, width }), sha256);
  }

  /** The bytes of a tile, of a log of at least its size. @throws {Error} when it is not there */
  async tile(tile: Tile): Promise<Uint8Array> {
    const bytes = await this.#parts.log.read(tile);
    if (bytes === null) {
      throw new Error(`the static log lacks tile ${tile.index} of level ${tile.level}: start Killcord anew`);
    }
    return bytes;
  }

  /** The bytes of a file of the static log by its path, or null when the log shows no such file. */
  async file(path: string): Promise<Uint8Array | null> {
    if (path === "checkpoint") {
      return this.#published === null ? null : Buffer.from(this.#published.note);
    }
    const tile = parseTilePath(path);
    const shown = this.#published?.size ?? 0;
    if (tile === null || lastLeafOf(tile) >= shown) {
      return null;
    }
    return this.#parts.log.read(tile);
  }

  /** The tree's edge at a size that is sealed; nothing may be sealed meanwhile. */
  async edgeAt(size: number): Promise<EdgeText> {
    await this.#running;
    const { tree, leaves } = this.#parts;
    return tree.edgeAfter(leaves(tree.size, size));
  }

  /** The note of a checkpoint that was signed at exactly this size, or null. */
  checkpointAt(size: number): Promise<string | null> {
    return this.#published?.size === size ? Promise.resolve(this.#published.note) : this.#parts.kept.at(size);
  }

  /** Publishes what is left, unless it failed before. */
  async close(): Promise<void> {
    clearTimeout(this.#timer ?? undefined);
    this.#closed = true;
    await this.#running;
    if (this.#begun && this.#failure === null && this.#whole > this.signed.size) {
      await this.#publish();
    }
    this.stop(this.#failure ?? new Error("the vault is closed"));
    await this.#parts.kept.close();
  }

  /** Publishes nothing more: what is on disk is not known. */
  stop(error: Error): void {
    clearTimeout(this.#timer ?? undefined);
    this.#failure ??= error;
    for (const { reject } of [...this.#waiting]) {
      reject(error);
    }
  }

  #arm(): void {
    const idle = this.#timer === null && this.#running === null;
    // What witnesses have not signed is brought to them again, also when nothing follows it.
    const due = this.#whole > this.signed.size || this.#published?.size !== this.signed.size;
    if (idle && this.#begun && !this.#closed && this.#failure === null && due) {
      this.#timer = setTimeout(() => this.#run(), this.#parts.checkpoint_ms);
      this.#timer.unref();
    }
  }

  #run(): void {
    this.#timer = null;
    this.#running = this.#publish().finally(() => {
      this.#running = null;
      this.#arm();
    });
  }

  async #publish(): Promise<void> {
    try {
      await this.#steps(Math.max(this.#whole, this.signed.size));
    } catch (error) {
      this.stop(error as Error);
      this.#parts.onFailed(error as Error);
    }
  }

  async #steps(size: number): Promise<void> {
    const { tree, signer, kept, cosigning } = this.#parts;
    if (size > kept.last.size) {
      await tree.add(this.#leavesTo(size));
      const root = await tree.finish();
      // From the tiles as they are on disk: what cannot prove the step is not signed.
      const proof = await this.prover(size).consistency(kept.last.size);
      await kept.append(signer.sign(size, root, proof));
    }
    await this.#showWitnessed(kept.last, cosigning);
  }

  #leavesTo(size: number): AsyncIterable<string> | Iterable<string> {
    const from = this.#parts.tree.size;
    if (from < this.#pending_from) {
      // They may be here in part; the store has them all.
      this.#forget(size);
      return this.#parts.leaves(from, size);
    }
    const leaves = this.#pending.slice(0, size - from);
    this.#forget(size);
    return leaves;
  }

  #forget(size: number): void {
    const count = Math.max(0, size - this.#pending_from);
    this.#pending.splice(0, count);
    this.#pending_from += count;
  }

  #publishedNow(published: Published): void {
    this.#published = published;
    for (const { size, resolve } of [...this.#waiting]) {
      if (size <= published.size) {
        resolve(published);
      }
    }
  }
}
