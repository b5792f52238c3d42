/** The append-only signed log of one workspace (vault-format.md). */
import {
  type ChainHead,
  chain,
  type Draft,
  type Prepared,
  prepare,
  type Staged,
  sealedWith,
  split,
} from "./chain.js";
import { parseLeaf, type SealedEntry, sealedOf } from "./entry.js";
import type { Genesis } from "./genesis.js";
import type { HeadMarkFile } from "./head-mark.js";
import type { Journal } from "./journal.js";
import type { Keys } from "./keys.js";
import { noticeOf } from "./notice.js";
import type { Publication } from "./publication.js";
import type { Scrub } from "./scrub.js";
import { Signer, spkiOf } from "./signer.js";
import type { Snapshots } from "./snapshot-file.js";
import { timeText } from "./time.js";
import { trustText } from "./trust.js";
import type { WitnessPolicy } from "./witness-policy.js";

/** A write failed, so nobody knows where the log ends: nothing more is sealed before a restart. */
export class VaultPoisoned extends Error {
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the vault seals nothing more until it is opened again: ${why}`, { cause });
    this.name = "VaultPoisoned";
  }
}

/** The last entry, and how many there are. */
export interface VaultHead {
  readonly size: number;
  readonly entry_hash: string;
  readonly signed_at: string;
}

/** What an open log is made of; start.ts puts it together after it has checked all of it. */
export interface VaultParts {
  readonly journal: Journal;
  readonly keys: Keys;
  readonly genesis: Genesis;
  readonly head: ChainHead;
  readonly created: boolean;
  /** Where each write leaves a mark of the log's end. */
  readonly mark: HeadMarkFile;
  /** What publishes the log; told what to do when a step of it fails. */
  readonly publication: (onFailed: (error: Error) => void) => Publication;
  /** Whom trust.json names beside the keys; null when the log asks no witness. */
  readonly witnesses: WitnessPolicy | null;
  /** What reads old entries again. */
  readonly scrub: Scrub;
  readonly snapshots: Snapshots;
  /** Told once when nothing more can be sealed because the log could not be published. */
  readonly onPoisoned: (error: Error) => void;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
}

/** An open log. Made by openVault of start.ts. */
export class Vault {
  readonly origin: string;
  readonly workspace_id: string;
  /** What entry 0 says. */
  readonly genesis: Genesis;
  /** Whether this start made the log. */
  readonly created: boolean;
  /** The secret under which API keys are hashed. */
  readonly pepper: Uint8Array;
  readonly snapshots: Snapshots;
  /** The tree, its checkpoints and proofs. */
  readonly publication: Publication;
  readonly #journal: Journal;
  readonly #signer: Signer;
  readonly #root: string;
  readonly #random: VaultParts["random"];
  readonly #witnesses: WitnessPolicy | null;
  readonly #mark: HeadMarkFile;
  readonly #scrub: Scrub;
  readonly #onPoisoned: (error: Error) => void;
  readonly #now: () => number;
  #head: ChainHead;
  /** Where the log ends with what is staged. */
  #staged: ChainHead;
  #committing = false;
  #poison: VaultPoisoned | null = null;

  constructor(parts: VaultParts) {
    const { journal, keys, genesis, head, created, mark, now } = parts;
    this.origin = genesis.origin;
    this.workspace_id = genesis.workspace_id;
    this.created = created;
    this.pepper = keys.pepper;
    this.#journal = journal;
    this.genesis = genesis;
    this.#signer = new Signer(keys.entry);
    this.#root = spkiOf(keys.root).toString("base64");
    this.#mark = mark;
    this.#witnesses = parts.witnesses;
    this.#now = now;
    this.#head = head;
    this.#staged = head;
    this.snapshots = parts.snapshots;
    this.#random = parts.random;
    this.#scrub = parts.scrub;
    this.#onPoisoned = parts.onPoisoned;
    this.publication = parts.publication((error) => this.#fail(error));
  }

  /** Beside the writes something is not as it was: nothing more is sealed, and the process has to know. */
  #fail(error: Error): void {
    if (this.#poison === null) {
      this.#poison = new VaultPoisoned(error);
      this.publication.stop(this.#poison);
      this.#onPoisoned(this.#poison);
    }
  }

  /**
   * Keeps what all entries so far come to, and seals its digest. Nothing else may be sealed meanwhile.
   *
   * @param state what the next start gets back
   */
  async keepSnapshot(state: string): Promise<void> {
    const { size, signed_at } = this.head();
    const { digest } = await this.snapshots.write(await this.publication.edgeAt(size), state);
    const at = timeText(Math.max(this.#now(), Date.parse(signed_at)));
    await this.seal([noticeOf("snapshot", { size, digest }, at, this.#random)]);
  }

  /**
   * Begins to publish: what is sealed now is whole, since what a crash may have cut is finished. Until
   * then the log is sealed and read, and no checkpoint is signed.
   */
  publish(): void {
    this.publication.begin(this.#head.size);
    this.#scrub.begin((error) => this.#fail(error));
  }

  /** The end of what is sealed. */
  head(): VaultHead {
    const { size, entry_hash, signed_at } = this.#head;
    if (entry_hash === null) {
      throw new Error("the log has not begun");
    }
    return { size, entry_hash, signed_at };
  }

  /**
   * Seals drafts in their order; when it resolves they are durable. What does not fit one write is
   * split, so after a crash a prefix may be there. One call at a time.
   *
   * @throws {CanonicalError | RangeError} for a draft that can't be sealed; nothing was sealed then
   * @throws {VaultPoisoned} when a write failed, now or before; what it wrote may be there or not
   */
  async seal(drafts: readonly Draft[]): Promise<readonly SealedEntry[]> {
    if (this.#poison === null && this.#staged.size !== this.#head.size) {
      throw new Error("seal was called while other entries were under way to the store");
    }
    const groups = split(drafts.map(prepare));
    const sealed: SealedEntry[] = [];
    for (const group of groups) {
      sealed.push(...(await this.commit([this.stage(group)])));
    }
    return sealed;
  }

  /**
   * Gives entries their places after everything that was staged before, and begins to sign them
   * while the caller does other things. What is staged has to be committed, in the same order.
   *
   * @param ends whether a command ends with them: no checkpoint is taken between the entries of one
   * @throws {VaultPoisoned} when a write has failed before
   */
  stage(prepared: readonly Prepared[], ends = true): Staged {
    if (this.#poison !== null) {
      throw this.#poison;
    }
    const { entries, head } = chain(this.#staged, timeText(this.#now()), prepared);
    const signatures = this.#signer.sign(entries.map((entry) => entry.entry_hash));
    const staged: Staged = { entries, signatures, signed: null, head, ends };
    const note = (signed: readonly string[]) => {
      staged.signed = signed;
    };
    // A failure is told to the caller of commit; nobody else is there to hear of it.
    signatures.then(note, () => {});
    this.#staged = head;
    return staged;
  }

  /**
   * Makes what was staged durable, in one write. One call at a time.
   *
   * @throws {VaultPoisoned} when a write failed, now or before; what it wrote may be there or not
   */
  async commit(staged: readonly Staged[]): Promise<readonly SealedEntry[]> {
    if (this.#poison !== null) {
      throw this.#poison;
    }
    if (this.#committing) {
      throw new Error("commit was called while another call of it was under way");
    }
    this.#committing = true;
    try {
      return await this.#append(staged);
    } catch (error) {
      this.#poison ??= new VaultPoisoned(error);
      this.publication.stop(this.#poison);
      throw this.#poison;
    } finally {
      this.#committing = false;
    }
  }

  async #append(staged: readonly Staged[]): Promise<readonly SealedEntry[]> {
    const batch: SealedEntry[] = [];
    let head = this.#head;
    let whole = 0;
    for (const part of staged) {
      const signatures = part.signed ?? (await this.#signaturesOf(part));
      for (const [i, entry] of part.entries.entries()) {
        batch.push(sealedWith(entry, this.origin, this.#signer.key_id, signatures[i] as string));
      }
      head = part.head;
      whole = part.ends ? head.size : whole;
    }
    await this.#journal.append({ size: this.#head.size }, batch);
    // Only now: until the write is durable, the log ends where it ended.
    this.#head = head;
    this.#mark.write({ size: head.size, entry_hash: head.entry_hash as string });
    this.publication.sealed(batch, whole);
    return batch;
  }

  /** The log waits for nothing else now. */
  #signaturesOf(part: Staged): Promise<readonly string[]> {
    this.#signer.hurry();
    return part.signatures;
  }

  /** Sealed entries in order, beginning at `from`, at most `limit` and none sealed after the call. */
  async *read(from: number, limit: number): AsyncGenerator<SealedEntry> {
    const count = Math.min(limit, this.#head.size - from);
    if (count <= 0) {
      return;
    }
    for await (const stored of this.#journal.read(from, count)) {
      yield sealedOf(stored, parseLeaf(stored.leaf));
    }
  }

  /** One entry, or null when there is none of that index. */
  async entry(sequence_number: number): Promise<SealedEntry | null> {
    for await (const entry of this.read(sequence_number, 1)) {
      return entry;
    }
    return null;
  }

  /**
   * Itself, once the checkpoint that it left behind is shown, and witnesses were asked for it.
   *
   * @throws {Error} when it must not go on; it is closed then
   */
  async shown(): Promise<this> {
    try {
      await this.publication.showKept();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The text of trust.json. */
  trust(): string {
    return trustText(this.genesis, this.#root, this.#witnesses);
  }

  /** Closes the store; nothing is sealed or read afterwards. */
  async close(): Promise<void> {
    const broken = this.#poison;
    this.#poison ??= new VaultPoisoned(new Error("it was closed"));
    if (broken !== null) {
      this.publication.stop(broken);
    }
    await this.#scrub.end();
    await this.publication.close();
    this.#mark.close();
    await this.#signer.close();
    await this.#journal.close();
  }
}
