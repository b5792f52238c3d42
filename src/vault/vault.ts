/** The append-only signed log of one workspace (vault-format.md). */
import { bundleLines } from "./bundle.js";
import {
  type ChainedEntry,
  type ChainHead,
  chain,
  type Draft,
  type Prepared,
  prepare,
  split,
} from "./chain.js";
import { envelopeOf, leafOf, parseLeaf, type SealedEntry, sealedOf } from "./entry.js";
import type { Genesis } from "./genesis.js";
import type { Journal } from "./journal.js";
import type { Keys } from "./keys.js";
import { Signer, spkiOf } from "./signer.js";
import { timeText } from "./time.js";
import { trustText } from "./trust.js";

/** A write failed, so nobody knows where the log ends: nothing more is sealed before a restart. */
export class VaultPoisoned extends Error {
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the vault seals nothing more until it is opened again: ${why}`, { cause });
    this.name = "VaultPoisoned";
  }
}

/** Entries that have their places in the log, and are being signed. */
export interface Staged {
  readonly entries: readonly ChainedEntry[];
  readonly signatures: Promise<readonly string[]>;
  /** The same, as soon as they are there: then nothing has to wait for a promise's turn. */
  signed: readonly string[] | null;
  /** Where the log ends with them. */
  readonly head: ChainHead;
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
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** An open log. Made by openVault of start.ts. */
export class Vault {
  readonly origin: string;
  readonly workspace_id: string;
  /** Whether this start made the log. */
  readonly created: boolean;
  /** The secret under which API keys are hashed. */
  readonly pepper: Uint8Array;
  readonly #journal: Journal;
  readonly #genesis: Genesis;
  readonly #signer: Signer;
  readonly #root: string;
  readonly #now: () => number;
  #head: ChainHead;
  /** Where the log ends with what is staged. */
  #staged: ChainHead;
  #committing = false;
  #poison: VaultPoisoned | null = null;

  constructor({ journal, keys, genesis, head, created, now }: VaultParts) {
    this.origin = genesis.origin;
    this.workspace_id = genesis.workspace_id;
    this.created = created;
    this.pepper = keys.pepper;
    this.#journal = journal;
    this.#genesis = genesis;
    this.#signer = new Signer(keys.entry);
    this.#root = spkiOf(keys.root).toString("base64");
    this.#now = now;
    this.#head = head;
    this.#staged = head;
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
   * @throws {VaultPoisoned} when a write has failed before
   */
  stage(prepared: readonly Prepared[]): Staged {
    if (this.#poison !== null) {
      throw this.#poison;
    }
    const { entries, head } = chain(this.#staged, timeText(this.#now()), prepared);
    const signatures = this.#signer.sign(entries.map((entry) => entry.entry_hash));
    const staged: Staged = { entries, signatures, signed: null, head };
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
      this.#poison = new VaultPoisoned(error);
      throw this.#poison;
    } finally {
      this.#committing = false;
    }
  }

  async #append(staged: readonly Staged[]): Promise<readonly SealedEntry[]> {
    const batch: SealedEntry[] = [];
    let head = this.#head;
    for (const part of staged) {
      const signatures = part.signed ?? (await this.#signaturesOf(part));
      for (const [i, entry] of part.entries.entries()) {
        batch.push(this.#sealed(entry, signatures[i] as string));
      }
      head = part.head;
    }
    await this.#journal.append({ size: this.#head.size }, batch);
    // Only now: until the write is durable, the log ends where it ended.
    this.#head = head;
    return batch;
  }

  /** The log waits for nothing else now. */
  #signaturesOf(part: Staged): Promise<readonly string[]> {
    this.#signer.hurry();
    return part.signatures;
  }

  #sealed({ link, entry_hash, prepared }: ChainedEntry, signature: string): SealedEntry {
    const { sequence_number, signed_at } = link;
    const envelope = envelopeOf(this.origin, link, entry_hash, this.#signer.key_id, signature);
    const { content, details } = prepared;
    const { entry_id } = envelope;
    return { sequence_number, leaf: leafOf(envelope), content, details, entry_id, entry_hash, signed_at };
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

  /** The text of trust.json. */
  trust(): string {
    return trustText(this.#genesis, this.#root);
  }

  /** The lines of bundle.json for the first `size` entries; they join to the file. */
  async *bundle(size: number): AsyncGenerator<string> {
    const last = size > 0 ? await this.entry(size - 1) : null;
    if (last === null) {
      throw new RangeError(`a bundle of ${size} entries; the log has ${this.#head.size}`);
    }
    const header = { genesis: this.#genesis, entry_count: size, generated_at: last.signed_at };
    yield* bundleLines(header, this.read(0, size));
  }

  /** Closes the store; nothing is sealed or read afterwards. */
  async close(): Promise<void> {
    this.#poison ??= new VaultPoisoned(new Error("it was closed"));
    await this.#signer.close();
    await this.#journal.close();
  }
}
