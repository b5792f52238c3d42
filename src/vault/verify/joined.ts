/** The pieces of a large bundle in order: the chain over their edges, the tree, and the replay. */
import type { VerifyCrypto } from "../verify-crypto.js";
import type { Failure } from "./code.js";
import { contentFault } from "./content-check.js";
import type { Piece } from "./cut.js";
import { checkEntries, type EntryLine, type SignedEntries } from "./entries.js";
import { type ChainPlace, chain_start, type Entry, type EntryContext } from "./entry-check.js";
import { GrowingTree } from "./growing-tree.js";
import type { Header } from "./header.js";
import type { EntryKeys } from "./keys.js";
import { entryFailure, entryIn, layout_failures, lineStarts, lineText } from "./layout.js";
import type { CheckedPiece, SoundPiece } from "./piece.js";
import { Replay } from "./replay.js";
import type { JsonObject } from "./shape.js";
import type { State } from "./state.js";
import type { CompromisedKey } from "./trust.js";

const decoder = new TextDecoder("latin1");

export class Joined {
  readonly tree: GrowingTree;
  readonly failures: Failure[] = [];
  readonly signed = new Map<string, number[]>();
  readonly compromised: CompromisedKey[] = [];
  count = 0;
  last_signed_at: unknown = null;
  /** Null when stages before E have failed and only the layout is read. */
  readonly #context: EntryContext | null;
  readonly #replay: Replay | null;
  #place: ChainPlace = chain_start;

  constructor(
    opened: { readonly header: Header; readonly keys: EntryKeys } | null,
    origin: string,
    crypto: VerifyCrypto,
  ) {
    this.tree = new GrowingTree(crypto.sha256);
    this.#context = opened === null ? null : { kind: "full", origin, keys: opened.keys, crypto };
    this.#replay = opened === null ? null : new Replay(opened.header, opened.keys, this.tree, crypto.sha256);
  }

  /** What a checker of pieces has to know. */
  get context(): Omit<EntryContext, "crypto"> | null {
    if (this.#context === null) {
      return null;
    }
    const { kind, origin, keys } = this.#context;
    return { kind, origin, keys };
  }

  /** Takes the next piece; gives the finding on its layout. */
  add(piece: Piece, { count, misfit, last_signed_at, sound }: CheckedPiece): Failure | null {
    if (misfit !== null) {
      return this.#layoutFailure(misfit.line, misfit.text, misfit.is_end);
    }
    if (this.#context !== null && count > 0) {
      if (sound !== null && this.#follows(sound)) {
        this.#join(piece.bytes, sound);
      } else {
        this.#judgeEach(piece, count, this.#context);
      }
    }
    this.count += count;
    this.last_signed_at = count > 0 ? last_signed_at : this.last_signed_at;
    return null;
  }

  /** What stage H found. The replay stops where an entry fails, and is not asked then. */
  replayed(): { readonly state: State; readonly failures: readonly Failure[] } {
    const played = this.#replay as Replay;
    return { state: played.state, failures: played.end() };
  }

  #layoutFailure(line: number, text: string, is_end: boolean): Failure {
    if (is_end) {
      return layout_failures.end;
    }
    // The header is line 1.
    return entryFailure(this.count + line + 2, text);
  }

  /** Whether the piece stands rightly behind what came before it. */
  #follows({ first }: SoundPiece): boolean {
    const { expected, last, signed_at, key_id } = this.#place;
    const linked = last === null || last.entry_hash === null || first.previous_hash === last.entry_hash;
    const signer = key_id === null || key_id === first.key_id;
    const in_time = first.signed_at >= signed_at && first.at >= (this.#replay?.last_at ?? "");
    return first.sequence_number === expected && linked && signer && in_time;
  }

  #join(bytes: Uint8Array, sound: SoundPiece): void {
    this.#place = sound.next;
    if (this.failures.length > 0) {
      return;
    }
    this.tree.add(sound.leaves);
    this.compromised.push(...sound.compromised);
    let signer = 0;
    for (let line = 0; line < sound.details.length; line++) {
      if (sound.signers[signer + 1]?.line === line) {
        signer++;
      }
      const key_id = sound.signers[signer]?.key_id as string;
      const sequence_number = sound.first.sequence_number + line;
      this.#noteSigner(key_id, sequence_number);
      const content = bytes.subarray(sound.contents[2 * line], sound.contents[2 * line + 1]);
      const entry = {
        sequence_number,
        // Only stages that this entry has passed look at the time and at the details themselves.
        signed_at: "",
        content: JSON.parse(decoder.decode(content)) as JsonObject,
        ...(sound.details[line] === 1 ? { details: {} } : {}),
        signature: { key_id },
      };
      this.#replay?.take(entry, null);
    }
  }

  #noteSigner(key_id: string, sequence: number): void {
    const indexes = this.signed.get(key_id);
    if (indexes === undefined) {
      this.signed.set(key_id, [sequence]);
    } else {
      indexes.push(sequence);
    }
  }

  /** As a bundle that is read whole is judged: entry by entry, each in its place. */
  #judgeEach({ bytes, final }: Piece, count: number, context: EntryContext): void {
    const starts = lineStarts(bytes);
    const lines = Array.from({ length: count }, (_, i): EntryLine => {
      const row = lineText(bytes, starts[i] as number, (starts[i + 1] as number) - 1);
      return entryIn(row, !final || i + 1 < count) as EntryLine;
    });
    const checked: SignedEntries = checkEntries(lines, count, context, this.#place);
    this.#place = checked.place;
    for (const found of checked.failures) {
      this.failures.push(found);
    }
    if (this.failures.length > 0) {
      return;
    }
    this.tree.add(checked.leaves);
    this.compromised.push(...checked.compromised);
    for (const { value } of lines) {
      const entry = value as Entry;
      this.#noteSigner(entry.signature.key_id, entry.sequence_number);
      this.#replay?.take(entry, contentFault(entry, this.#replay.last_at));
    }
  }
}
